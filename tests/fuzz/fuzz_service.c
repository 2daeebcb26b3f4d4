/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What a process says of its service: environment, command line, OpenTelemetry's context. */
#include "fuzz.h"

#include "agent/service.h"

static void check_values(const struct service *service)
{
	for (size_t i = 0; i < SERVICE_FIELDS; i++) {
		const char *value = service->values[i];

		must(!value || (*value && strlen(value) <= 4 * SERVICE_VALUE_MAX &&
				is_harmless(value, strlen(value)) && !strchr(value, '\n')));
	}
	must((service->source == SERVICE_NOWHERE) == !service->values[SERVICE_NAME]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	unsigned int which = take(&in, 1) % 4;
	struct service service = SERVICE_NONE;
	struct attributes list = {0};
	/* Alone, so that reading beyond its end shows. */
	char *bytes = malloc(in.left + 1);
	size_t length = in.left;

	must(bytes != NULL);
	memcpy(bytes, in.at, length);
	bytes[length] = '\0';
	if (which == 3) {
		service_add_unit(&service, bytes);
	} else {
		char *whole = realloc(bytes, length ? length : 1);

		must(whole != NULL);
		bytes = whole;
	}
	if (which == 0)
		service_add_context(&service, bytes, length);
	else if (which == 1)
		service_add_environment(&service, bytes, length);
	else if (which == 2)
		service_add_program(&service, "/usr/bin/python3", bytes, length);
	check_values(&service);
	service_attributes(&service, &list);
	service_free(&service);
	free(bytes);
	return 0;
}
