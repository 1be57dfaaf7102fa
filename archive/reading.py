"""What a page says: extracted and judged, without an archive. Light, so that a process that only reads stays small."""

from archive.models import Article, Outcome, Page, Reading, Verdict
from archive.relevance import judge
from archive.topic import Topic

NO_ARTICLE = {
    "wall": Outcome.BLOCKED,
    "soft-404": Outcome.FAILED,
    "index": Outcome.FAILED,
    "empty": Outcome.FAILED,
}


def read_page(page: Page, topic: Topic) -> Reading:
    """Extract and judge one page. Pure, so that it may run in a process of its own.

    Raises ExtractionError where the page cannot be read.
    """
    # Here and not above: a crawl's own process, which reads no page, need not wait for trafilatura.
    from archive.extraction import extract

    article = extract(page)
    return Reading(article=article, verdict=judge_article(article, topic))


def judge_article(article: Article, topic: Topic) -> Verdict | None:
    """Return the verdict on an article, or None where there is nothing to judge."""
    if article.completeness in NO_ARTICLE:
        return None
    return judge(
        article.title,
        article.text,
        topic,
        description=article.description,
        language=article.language,
        date=article.published_local,
    )
