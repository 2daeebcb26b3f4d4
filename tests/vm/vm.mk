# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# The tests under other kernels, in emulated machines. KERNEL=5.10|6.1|6.12|6.18|newest;
# EXTENT=quick|many|most|full (many unless given): full is all of the suite on every kind of hook;
# HOOKS=kprobe: on that one alone. VM= passes arguments to vm.py. ARCH=arm64: that architecture's
# kernels, and fdtrace built for it (cross.mk). What a machine lacks for it is said, and skips
# vm-quick; the others fail.

KERNEL ?= newest
VM_RUN = $(SUDO) env XDG_CACHE_HOME="$${XDG_CACHE_HOME:-$$HOME/.cache}" PYTHONDONTWRITEBYTECODE=1 \
	$(PYTHON) tests/vm/vm.py $(if $(filter-out $(HOST_ARCH),$(ARCH)),--arch $(ARCH)) \
	$(if $(EXTENT),--extent $(EXTENT)) $(addprefix --hooks ,$(HOOKS))

.PHONY: test-vm test-matrix vm-quick
test-vm: $(PROGRAM) ## e2e tests under another kernel (root): KERNEL=6.1, ARCH=arm64, EXTENT=full for all of them
	@$(VM_RUN) --kernel $(KERNEL) $(VM)

test-matrix: $(PROGRAM) ## the same under every kernel, and a table
	@$(VM_RUN) $(VM)

vm-quick: $(PROGRAM) ## a few of them, under every kernel that can be had
	@$(VM_RUN) --extent quick --skip-absent --timeout 1500
