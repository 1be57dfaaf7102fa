"""Scrapy's settings, and the crawler's own budgets. Nothing is computed here.

Those in capitals that Scrapy knows are documented by Scrapy; the others are the budgets, each with its unit in
its name, and are listed in docs/settings.md. All can be given in ``bilateral.toml`` under ``[crawl.settings]``.
"""

BOT_NAME = "bilateral"
SPIDER_MODULES = ["crawlers.spiders"]
NEWSPIDER_MODULE = "crawlers.spiders"

# --- Manners -------------------------------------------------------------------------------------------------

ROBOTSTXT_OBEY = True  # by crawlers.robots.RobotsMiddleware
COOKIES_ENABLED = False
TELNETCONSOLE_ENABLED = False
AUTOTHROTTLE_ENABLED = True  # by crawlers.extensions.Manners, above each outlet's own delay
AUTOTHROTTLE_TARGET_CONCURRENCY = 1.0
AUTOTHROTTLE_MAX_DELAY = 60.0  # seconds
CONCURRENT_REQUESTS_PER_DOMAIN = 4  # connections kept open; requests are one at a time (see OutletMiddleware)
CONCURRENT_ITEMS = 4  # of one response
CONCURRENT_REQUESTS = 0  # no bound of its own: each outlet has REQUESTS_IN_FLIGHT_PER_OUTLET
DOWNLOAD_DELAY = 2.0  # seconds; of hosts no outlet's delay is known for
DOWNLOAD_DELAY_JITTER = 0  # Scrapy's 0.5 would ask after half of what robots.txt wants us to wait
DEFAULT_REQUEST_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "es,en;q=0.8",
    # What WARC tools can undo: no zstd.
    "Accept-Encoding": "gzip, deflate, br",
}
REFERRER_POLICY = "no-referrer"

# --- Budgets of one page or route ----------------------------------------------------------------------------

DOWNLOAD_TIMEOUT = 20  # seconds for a whole answer, however slowly it comes
DOWNLOAD_MAXSIZE = 5_000_000  # bytes of a page, as sent and once decompressed
DOWNLOAD_WARNSIZE = 0
ROUTE_MAX_BYTES = 10_000_000  # of a feed, a sitemap or a section page, as sent and once decompressed
ROUTE_SKIMMED_BYTES = (
    60_000_000  # of one that is longer: beyond ROUTE_MAX_BYTES its beginning and end are kept
)
ROUTE_TIMEOUT_SECONDS = 30  # for a whole feed, sitemap or section page; what came until then is read
ROBOTS_MAX_BYTES = 512_000  # of robots.txt; what lies behind is not read (RFC 9309 asks for at least 500 KiB)
REDIRECT_MAX_TIMES = 5
METAREFRESH_MAXDELAY = 6  # seconds; a page that reloads itself later than that is no redirect
PAGE_READING_SECONDS = 20  # for extracting and judging one page, in a worker process
ROUTE_READING_SECONDS = 20  # for reading one feed, sitemap or section page, in a worker process
WORKER_MEMORY_MB = 160  # of data one worker process may hold, 55 of them before it reads anything
WORKERS = 0  # processes that extract and judge; 0: one a processor, at most 2

# --- Budgets of one outlet and of the crawl ------------------------------------------------------------------

CRAWL_SECONDS = 1_800  # after which all outlets are left for the next crawl
IN_HAND_MAX_BYTES = 32_000_000  # of answers coming in or waiting to be read, of all outlets together
SCRAPER_SLOT_MAX_ACTIVE_SIZE = (
    1_000_000_000  # bytes: of no account, for IN_HAND_MAX_BYTES bounds them by outlet
)
OUTLET_SECONDS = 900  # after which an outlet is left for the next crawl
OUTLET_PAGES = 2_000  # fetched in one crawl
ROUTE_URLS = 50_000  # filed from one feed, sitemap or section page: what the sitemap protocol allows
OUTLET_ROUTES = 100  # feeds, sitemaps and section pages asked in one crawl
SECTION_PAGES = 5  # listing pages followed from a section, the first included
SITEMAP_DEPTH = 3  # levels of sitemap indexes
SITEMAPS_OF_ONE_INDEX = 10  # followed, the newest first, those not counted that answer and name no page
ROUTES_IN_FLIGHT_PER_OUTLET = 2  # so that pages get their turn between them
REQUESTS_IN_FLIGHT_PER_OUTLET = 4
REQUESTS_IN_FLIGHT_WITHOUT_DELAY = 16
FAILURES_IN_A_ROW = 10  # network failures of a host after which it is left for the next crawl

# --- Failures that may pass ----------------------------------------------------------------------------------

RETRY_TIMES = 2  # within the crawl; then it waits for the next crawl
RETRY_FIRST_WAIT_SECONDS = 1.0  # doubled with each try
RETRY_MAX_WAIT_SECONDS = 30.0  # a Retry-After beyond that leaves the page for a later crawl
RETRY_HTTP_CODES = [429, 500, 502, 503, 504, 520, 521, 522, 524, 408]

# --- Wiring --------------------------------------------------------------------------------------------------

TWISTED_REACTOR = "twisted.internet.asyncioreactor.AsyncioSelectorReactor"
DUPEFILTER_CLASS = "scrapy.dupefilters.BaseDupeFilter"  # the table of pages says what was asked
DOWNLOAD_HANDLERS = {
    "http": "crawlers.handlers.CheckedHandler",
    "https": "crawlers.handlers.CheckedHandler",
    "ftp": None,
    "file": None,
    "data": None,
    "s3": None,
}
DOWNLOADER_MIDDLEWARES = {
    # Engine side
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
    "crawlers.middlewares.OutletMiddleware": 50,
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    "crawlers.robots.RobotsMiddleware": 100,
    "scrapy.downloadermiddlewares.httpauth.HttpAuthMiddleware": None,
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
    "crawlers.middlewares.BackoffMiddleware": 550,
    "scrapy.downloadermiddlewares.redirect.MetaRefreshMiddleware": None,
    "crawlers.middlewares.MetaRefreshMiddleware": 580,
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,
    "crawlers.compression.DecompressionMiddleware": 590,
    "scrapy.downloadermiddlewares.httpproxy.HttpProxyMiddleware": None,
    "scrapy.downloadermiddlewares.stats.DownloaderStats": None,
    "crawlers.middlewares.SnapshotMiddleware": 820,
    # Downloader side
}
SPIDER_MIDDLEWARES_BASE: dict[str, int] = {}  # none of them has anything to do here, for every answer
ITEM_PIPELINES = {"crawlers.pipelines.ArchivePipeline": 300}
# In place of Scrapy's own list: merely naming one of those as unwanted loads it, and one listens on a port.
EXTENSIONS_BASE = {"scrapy.extensions.corestats.CoreStats": 0}
EXTENSIONS = {
    "crawlers.extensions.Manners": 0,
    "crawlers.extensions.InHand": 0,
    "crawlers.extensions.Progress": 0,
}
LOG_ENABLED = False  # crawlers.crawl sets logging up
STATS_DUMP = False
WARN_ON_GENERATOR_RETURN_VALUE = False  # costs a look at the source for every answer
