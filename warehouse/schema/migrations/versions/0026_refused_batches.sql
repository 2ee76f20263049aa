-- What the fetch ledger says of a batch that a rule refused: that, and not that it was loaded.
comment on column audit.fetch.source is 'The provider: yahoo, fred, ishares, sec.';
comment on column audit.fetch.status is 'loaded (rows came, or nothing new was there), empty (an answer without rows), not_found (no such symbol), delisted (held before, gone for more than five sessions), throttled, outage, refused (by the provider: bad key or bad id; by us: reason validation_failed, a critical rule stopped the batch and nothing of it was loaded).';
