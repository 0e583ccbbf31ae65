import { createHash } from 'node:crypto';
import { Problem } from '#libs/contracts';

/** The conditional headers of a request (RFC 9110, 13.1). */
export interface Preconditions {
  ifMatch?: string;
  ifNoneMatch?: string;
}

const ENTITY_TAG = /(?:W\/)?("[\x21\x23-\x7e\x80-\xff]*")/g;

/**
 * The weak ETag of a resource. JSON is unambiguous, so different content never has the same text.
 * @param content everything that the resource shows
 */
export function etagOf(content: unknown): string {
  const digest = createHash('sha256').update(JSON.stringify(content)).digest('base64url');
  return `W/"${digest.slice(0, 22)}"`;
}

/**
 * Whether the `If-Match` or `If-None-Match` header matches the ETag: it lists the ETag or is `*`. The comparison is
 * weak, even for `If-Match`, because SCIM uses it with weak ETags (RFC 7644, 3.14).
 */
export const matchesETag = (header: string, etag: string): boolean =>
  header.trim() === '*' || opaqueTags(header).includes(opaqueTags(etag)[0]!);

/** @throws Problem `precondition-failed` if a precondition excludes the current version of the existing resource */
export function requirePreconditions({ ifMatch, ifNoneMatch }: Preconditions, etag: string): void {
  if (ifMatch !== undefined && !matchesETag(ifMatch, etag))
    throw new Problem('precondition-failed', { detail: 'The resource has changed. Reload it and try again.' });
  if (ifNoneMatch !== undefined && matchesETag(ifNoneMatch, etag))
    throw new Problem('precondition-failed', {
      detail: 'The resource exists in a version that If-None-Match excludes.',
    });
}

const opaqueTags = (header: string): string[] => [...header.matchAll(ENTITY_TAG)].map(([, tag]) => tag!);
