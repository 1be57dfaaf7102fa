"""Addresses: the one an article is stored under, the key it is recognised by, and whose an address is.

The rules are of two strengths. `canonical_url` gives an address that is still good to be asked: it takes
off only what is known not to choose the page. `url_key` goes further and is never asked: it is what two
addresses of one article have in common.
"""

import functools
import ipaddress
import re
import socket
import unicodedata
from collections.abc import Iterable
from urllib.parse import unquote, urljoin

import yarl
from publicsuffixlist import PublicSuffixList

MAX_URL_LENGTH = 2_000  # characters; the longest address a stranger can make us ask
_TOO_LONG = f"the address has more than {MAX_URL_LENGTH} characters"

# Parameters that say where a reader came from, not what is read. Reviewed by hand: a name is here when it is
# documented as a campaign, click or sharing mark, or is one publisher's mark for its own links.
_TRACKING_WORDS = """
    fbclid gclid gclsrc dclid gbraid wbraid msclkid yclid twclid ttclid igsh igshid mibextid li_fat_id
    mc_cid mc_eid mkt_tok vero_id oly_enc_id oly_anon_id wickedid rb_clickid _hsenc _hsmi hsctatracking
    _ga _gl _ke _openstat __twitter_impression __source
    ref ref_ ref_src ref_url ref_source referer referrer refsrc partner reflink
    smid smtyp smprod _r emc regi_id instance_id campaign_id segment_id unlocked_article_code
    wpisrc wpmm wprss tcode srnd sref srcref leadsource wt_mc wt_zmc cmp cmpid icid ncid ocid ito ftag s_cid
    xtor at_medium at_campaign at_custom1 at_custom2 at_custom3 at_custom4 at_link_id at_link_type at_format
    at_bbc_team at_ptr_name at_link_origin ns_mchannel ns_source ns_campaign ns_linkname ns_fee
    soc_src soc_trk guccounter guce_referrer guce_referrer_sig sharetype spref traffic_source
    tblci taboola outbrain obref dicbo usqp amp_js_v amp_gsa amp_latest_update_time amp_ct amp_tf aoh
    phpsessid jsessionid
"""
TRACKING = frozenset(_TRACKING_WORDS.split())
# The same, but elsewhere they choose the page: dropped only where the path is no script that must be told.
TRACKING_BESIDE_A_PATH = frozenset({"mod", "module", "st", "te", "nl", "share", "campaign", "source"})
TRACKING_PREFIXES = ("utm_", "utm-", "pk_", "mtm_", "piwik_", "matomo_", "hsa_", "fb_action", "aspsessionid")
AMP_PARAMETERS = frozenset({"amp", "outputtype", "output", "view", "type", "format"})
AMP_VALUES = frozenset({"amp", "amphtml"})
AMP_SEGMENTS = frozenset({"amp", "amparticle"})

_LISTING_WORDS = """
    tag tags etiqueta etiquetas tema temas topic topics category categoria categorias
    author authors autor autores search buscar busqueda buscador page pagina
    hub feed rss
"""
LISTING_SEGMENTS = frozenset(_LISTING_WORDS.split())
ARCHIVE_SEGMENTS = frozenset({"archive", "archives", "archivo"})  # of a listing where only numbers follow

_DEVICE_HOST = re.compile(r"^(?:amp|m|mobile|movil)\.(?=[^.]+\.[^.])", re.IGNORECASE)
_WWW = re.compile(r"^www\d?\.(?=[^.]+\.)")
_AMP_CACHE_HOST = re.compile(r"(?:^|\.)cdn\.ampproject\.org$|^(?:www\.)?google(?:\.[a-z]{2,3}){1,2}$")
_AMP_CACHE_PATH = re.compile(r"^/(?:(?:amp|[acrv])/)(s/)?([^/]+\.[^/]+/.*)$")
_AMP_SUFFIX = re.compile(r"\.amp(?=\.html?$|$)", re.IGNORECASE)
_INDEX_PAGE = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?)$", re.IGNORECASE)
_NAMES_ARTICLE = re.compile(r"/[^/?]*(?:\d{5}|-[^/?-]+-[^/?-]+-)[^/?]*(?:\?|$)")
_HEADLINE_SLUG = re.compile(r"[^/-]+(?:-[^/-]+){3,}")
_SCRIPT = re.compile(r"^/*$|\.(?:php\d?|aspx?|cgi|pl|jsp|do|cfm)/?$", re.IGNORECASE)
_TEMPLATE = re.compile(r"[{}<>]|%(?:7B|7D|3C|3E)", re.IGNORECASE)  # "{{slug}}", which nobody filled in
_SECTION_NAME = re.compile(r"[a-z]+(?:-[a-z]+)?")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*")
_REFUSED_CHARACTERS = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*", re.IGNORECASE)  # the last label of a host that is an address
_DEFAULT_PORTS = {"http": 80, "https": 443}


class BadURL(ValueError):  # noqa: N818
    """An address that cannot be one of a page on the web; its message says why."""


@functools.lru_cache(maxsize=4096)
def _parse(url: str) -> yarl.URL:
    """Return an absolute http(s) address, host lower-case and ASCII, dot segments and encoding normalised."""
    if len(url) > MAX_URL_LENGTH:
        raise BadURL(_TOO_LONG)
    text = re.sub(r"[\t\r\n]", "", url).strip(" \u00a0\ufeff\u200b\x0b\x0c")
    if _REFUSED_CHARACTERS.search(text):
        raise BadURL("control characters in the address")
    try:
        parsed = yarl.URL(text)
        host = (parsed.raw_host or "").rstrip(".").lower()
        port = parsed.explicit_port
    except ValueError as error:  # UnicodeError of a host that cannot be encoded is one
        raise BadURL(f"not a URL: {error}") from error
    if parsed.scheme not in _DEFAULT_PORTS:
        raise BadURL(f"scheme {parsed.scheme[:20]}" if parsed.scheme else "no scheme")
    if not host:
        raise BadURL("no host")
    if ":" not in host and (len(host) > 253 or not _HOST.fullmatch(host)):
        raise BadURL("not a host name")
    if port == _DEFAULT_PORTS[parsed.scheme]:
        port = None
    try:
        return yarl.URL.build(
            scheme=parsed.scheme,
            user=parsed.raw_user,
            password=parsed.raw_password,
            host=_bracketed(host),
            port=port,
            path=parsed.raw_path or "/",
            query_string=parsed.raw_query_string,
            encoded=True,
        )
    except ValueError as error:
        raise BadURL(f"not a URL: {error}") from error


@functools.lru_cache(maxsize=1024)  # file_lead asks three times for each
def canonical_url(url: str, homepage: str = "") -> str:
    """Return the address a page is stored under: cleaned of what does not choose the page, still good to ask.

    Credentials, fragment, default port, tracking parameters, AMP marks and the ``amp.``, ``m.`` and
    ``mobile.`` prefixes of the host are dropped; identifying parameters, their order and the trailing slash
    stay. ``homepage`` says whether the host without its prefix is written with ``www.``, and which prefixes
    are no device's but the outlet's own. Applying it twice changes nothing.

    Raises BadURL where there is no http(s) address in ``url``.
    """
    parsed = _out_of_amp_cache(_parse(url))
    cleaned = yarl.URL.build(
        scheme=parsed.scheme,
        host=_desktop_host(parsed, homepage),
        port=parsed.explicit_port,
        path=_without_amp(parsed.raw_path),
        query_string="&".join(_kept_parameters(parsed)),
        encoded=True,
    )
    if len(str(cleaned)) > MAX_URL_LENGTH:
        raise BadURL(_TOO_LONG)
    return str(cleaned)


@functools.lru_cache(maxsize=4096)  # a crawl asks for the same few again and again
def url_key(url: str) -> str:
    """Return what all addresses of one article share, to recognise it by; never an address to ask.

    No scheme, ``www.``, trailing slash or index page; parameters sorted; slugs that spell out a headline
    in lower case (publishers answer to both). A text that is no http(s) address is its own key.
    """
    try:
        parsed = yarl.URL(canonical_url(url), encoded=True)
    except BadURL:
        return url.encode("utf-8", "backslashreplace").decode("utf-8").strip()
    host = _WWW.sub("", parsed.raw_host or "")
    if parsed.explicit_port:
        host = f"{host}:{parsed.explicit_port}"
    path = _INDEX_PAGE.sub("/", parsed.raw_path)
    path = re.sub(r"//+", "/", re.sub(r";jsessionid=[^/]*", "", path, flags=re.IGNORECASE)).rstrip("/")
    path = unicodedata.normalize("NFC", unquote(path, errors="surrogateescape"))
    path = _HEADLINE_SLUG.sub(lambda slug: slug[0].lower(), path)
    path = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    query = "&".join(sorted(part.removesuffix("=") for part in parsed.raw_query_string.split("&") if part))
    return f"{host}{path}?{query}" if query else f"{host}{path}"


def same_page(a: str, b: str) -> bool:
    """Say whether two addresses are, by their spelling, those of one page."""
    return url_key(a) == url_key(b)


def is_amp_or_mobile(url: str) -> bool:
    """Say whether an address is that of an AMP page or of a site for telephones."""
    try:
        parsed = _parse(url)
    except BadURL:
        return False
    return (
        _out_of_amp_cache(parsed) != parsed
        or _DEVICE_HOST.match(parsed.raw_host or "") is not None
        or _without_amp(parsed.raw_path) != parsed.raw_path
        or any(_is_amp_parameter(part) for part in parsed.raw_query_string.split("&"))
    )


def fetchable(url: str) -> str | None:
    """Return why an address may not be asked at all, whoever named it; None where it may.

    Looks at the spelling alone. Which host the name resolves to is for the downloader to see.
    """
    if len(url) > MAX_URL_LENGTH:
        return _TOO_LONG
    try:
        parsed = _parse(url)
    except BadURL as error:
        return str(error)
    if parsed.raw_user is not None or parsed.raw_password is not None:
        return "credentials in the address"
    if len(str(parsed)) > MAX_URL_LENGTH:
        return _TOO_LONG
    return None


def literal_address(url: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address of a host written as a number, in any spelling a resolver takes; None for a name."""
    try:
        host = _parse(url).raw_host or ""
    except BadURL:
        return None
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        try:  # 2130706433, 0x7f.1, 0177.0.0.1: a name never consists of numbers alone
            return ipaddress.IPv4Address(socket.inet_aton(host))
        except OSError:
            return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def belongs_to(url: str, homepage: str, hosts: Iterable[str] = ()) -> bool:
    """Say whether an address is an outlet's own.

    It is when its registrable domain (by the public suffix list) is that of the homepage, or its host is one
    of ``hosts`` or below it. Numeric addresses and names without a public suffix (``localhost``) must
    agree in host and port; a host given without a port stands for the homepage's and the default ones.
    """
    try:
        asked, home = _parse(url), _parse(homepage)
    except BadURL:
        return False
    if _same_site(asked, home):
        return True
    return any(_is_declared(asked, home, host) for host in hosts)


def is_listing(url: str) -> bool:
    """Say whether an address is, by its spelling, that of a front page, a section, a tag or an author."""
    try:
        parsed = _parse(url)
    except BadURL:
        return False
    segments = [segment.lower() for segment in parsed.path.split("/") if segment]
    if not segments:
        return not parsed.raw_query_string
    if LISTING_SEGMENTS.intersection(segments[:-1]) or segments[-1] in LISTING_SEGMENTS:
        return True
    while len(segments) > 1 and segments[-1].isdigit() and ARCHIVE_SEGMENTS.intersection(segments):
        segments.pop()
    if segments[-1] in ARCHIVE_SEGMENTS:
        return True
    return len(segments) == 1 and not parsed.raw_query_string and bool(_SECTION_NAME.fullmatch(segments[0]))


def plausible_canonical(
    candidate: str, page_url: str, homepage: str, hosts: Iterable[str] = (), sections: Iterable[str] = ()
) -> bool:
    """Say whether an address a page declares as its canonical one may be believed.

    It may when it is the same outlet's and neither its homepage nor a section, a tag or another listing.
    A relative ``candidate`` is read against ``page_url``.
    """
    try:
        full = urljoin(page_url, candidate.strip())
    except ValueError:
        return False
    if fetchable(full) is not None or not belongs_to(full, homepage, tuple(hosts)):
        return False
    if _TEMPLATE.search(full):
        return False
    key = url_key(full)
    if key == url_key(homepage) or key in {url_key(section) for section in sections}:
        return False
    if key == url_key(page_url):
        return True
    above = url_key(page_url).startswith((f"{key}/", f"{key}?")) and not _NAMES_ARTICLE.search(key)
    return not is_listing(full) and not above


def _out_of_amp_cache(parsed: yarl.URL) -> yarl.URL:
    """Return the publisher's address that an AMP cache's stands for; other addresses as they are."""
    host = parsed.raw_host or ""
    google = re.fullmatch(r"(?:www\.)?google(?:\.[a-z]{2,3}){1,2}", host) and parsed.raw_path.startswith(
        "/amp/"
    )
    wrapped = _AMP_CACHE_PATH.match(parsed.raw_path)
    if wrapped is None or not (google or _AMP_CACHE_HOST.search(host)):
        return parsed
    query = f"?{parsed.raw_query_string}" if parsed.raw_query_string else ""
    try:
        return _parse(f"{'https' if wrapped[1] else 'http'}://{wrapped[2]}{query}")
    except BadURL:
        return parsed


def _desktop_host(parsed: yarl.URL, homepage: str) -> str:
    host = _bracketed(parsed.raw_host or "")
    if literal_address(str(parsed)) is not None:
        return host
    bare = host
    while _DEVICE_HOST.match(bare):
        bare = _DEVICE_HOST.sub("", bare)
    if bare == host or not homepage:
        return bare
    try:
        home = _parse(homepage).raw_host or ""
    except BadURL:
        return bare
    return home if home in {host, f"www.{bare}"} else bare


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _without_amp(path: str) -> str:
    """Drop the marks of an AMP page from a path: a first or last segment, or an ending."""
    before = None
    while path != before:
        before = path
        segments = path.split("/")  # the first is empty, and so is the last where the path ends with a slash
        if len(segments) > 2 and segments[1].lower() in AMP_SEGMENTS and any(segments[2:]):
            segments = ["", *segments[2:]]
        elif (
            len(segments) > 3
            and [s.lower() for s in segments[1:3]] == ["service", "amp"]
            and any(segments[3:])
        ):
            segments = ["", *segments[3:]]
        last = -2 if segments[-1] == "" else -1
        if len(segments) + last > 1 and segments[last].lower() in AMP_SEGMENTS:
            del segments[last]
        path = _AMP_SUFFIX.sub("", "/".join(segments))
    return path or "/"


def _kept_parameters(parsed: yarl.URL) -> list[str]:
    named_by_path = not _SCRIPT.search(parsed.raw_path)
    tracking = TRACKING | TRACKING_BESIDE_A_PATH if named_by_path else TRACKING
    parts = parsed.raw_query_string.replace("&amp;", "&").split("&")
    return [
        part for part in parts if part and not _is_tracking(part, tracking) and not _is_amp_parameter(part)
    ]


def _is_tracking(part: str, tracking: frozenset[str]) -> bool:
    name = unquote(part.partition("=")[0]).lower()
    return name in tracking or name.startswith(TRACKING_PREFIXES)


def _is_amp_parameter(part: str) -> bool:
    name, _, value = part.lower().partition("=")
    return name == "amp" or (name in AMP_PARAMETERS and value in AMP_VALUES)


@functools.lru_cache(maxsize=4096)
def registrable_domain(host: str) -> str:
    """Return the registrable domain of a host; empty for numbers and for names without a public suffix.

    The last label of a name that the list does not know is its suffix, as the list's own algorithm has it
    (https://github.com/publicsuffix/list/wiki/Format); only below ``localhost`` each name stands for itself.
    """
    last = host.rstrip(".").rpartition(".")[2]
    if ":" in host or last == "localhost" or _NUMBER.fullmatch(last):
        return ""
    return _suffixes().privatesuffix(host.rstrip(".")) or ""


@functools.cache
def _suffixes() -> PublicSuffixList:
    """Return the list that the release of publicsuffixlist carries: nothing is fetched."""
    return PublicSuffixList()


def _same_site(asked: yarl.URL, home: yarl.URL) -> bool:
    domain = registrable_domain(home.raw_host or "")
    if domain:
        return registrable_domain(asked.raw_host or "") == domain
    return _bare_host(asked) == _bare_host(home) and asked.port == home.port


def _bare_host(url: yarl.URL) -> str:
    return _WWW.sub("", _DEVICE_HOST.sub("", url.raw_host or ""))


def _is_declared(asked: yarl.URL, home: yarl.URL, declared: str) -> bool:
    try:
        host = _parse(declared if "//" in declared else f"http://{declared}")
    except BadURL:
        return False
    ours, theirs = host.raw_host or "", asked.raw_host or ""
    if registrable_domain(ours):
        return theirs == ours or theirs.endswith(f".{ours}") or f"www.{theirs}" == ours
    if ours != theirs:
        return False
    ports = {host.port} if host.explicit_port else {home.port, 80, 443}
    return asked.port in ports
