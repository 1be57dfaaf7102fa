"""Years of coverage out of web archives: files are planned, read on one machine or many, and ingested by one writer.

plan ─► ledger ─► run: a file ─► part, small WARC, .done   (archive.backfill.task, on any engine)
└─► ingest: parts ─► the archive             (archive.backfill.ingest, one process)
"""
