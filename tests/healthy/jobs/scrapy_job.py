# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""scrapy: a spider follows the links of a small server of its own."""
import http.server
import threading

import scrapy
from scrapy.crawler import CrawlerProcess

SEEN = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        links = "".join("<a href='/%d'>x</a>" % n for n in range(10))
        page = ("<html><body>%s</body></html>" % links).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        pass


class Spider(scrapy.Spider):
    name = "spider"

    def parse(self, response):
        SEEN.append(response.url)
        for link in response.css("a::attr(href)").getall():
            yield response.follow(link, self.parse)


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    process = CrawlerProcess({"LOG_LEVEL": "WARNING", "TELNETCONSOLE_ENABLED": False})
    process.crawl(Spider, start_urls=["http://127.0.0.1:%d/" % server.server_port])
    process.start()
    server.shutdown()
    server.server_close()
    assert len(SEEN) == 11, SEEN


if __name__ == "__main__":
    main()
