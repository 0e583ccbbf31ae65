import { assertNoOpenTransaction } from '#libs/database';
import { isPrivateAddress, PrivateAddressError, publicLookup } from '#libs/platform';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { CustomFetch, CustomFetchOptions } from 'openid-client';

/** Longer than any provider takes that people would wait for. */
const TIMEOUT_MS = 8_000;
/** Metadata, keys and tokens have some kilobytes. */
const MAX_BYTES = 512 * 1_024;

/**
 * A `fetch` for addresses that customers give. It connects only to public addresses, follows no redirect and reads a bounded
 * number of bytes in a bounded time.
 * @param allowPrivate allows private addresses
 */
export const providerFetch =
  (allowPrivate: boolean): CustomFetch =>
  async (url, options) => {
    assertNoOpenTransaction('sso provider');
    if (!allowPrivate && isPrivateAddress(url)) throw new PrivateAddressError();
    return exchange(url, options, allowPrivate);
  };

function exchange(url: string, { method, headers, body, signal }: CustomFetchOptions, allowPrivate: boolean) {
  const request = new URL(url).protocol === 'https:' ? httpsRequest : httpRequest;
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const sent = textOf(body);
  return new Promise<Response>((resolve, reject) => {
    const outgoing = request(url, {
      method,
      // A new connection each time: a reused one might lead to an address that was not checked.
      agent: false,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      headers: { ...headers, 'user-agent': 'Leaver-SSO', ...(sent && { 'content-length': Buffer.byteLength(sent) }) },
      ...(allowPrivate ? {} : { lookup: publicLookup }),
    });
    outgoing.once('response', (incoming) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      incoming.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        chunks.push(chunk);
        if (bytes > MAX_BYTES) outgoing.destroy(new Error('The answer is too large.'));
      });
      incoming.once('error', reject);
      incoming.once('end', () => {
        const type = incoming.headers['content-type'];
        const status = incoming.statusCode!;
        const content = NO_CONTENT.includes(status) ? null : Buffer.concat(chunks);
        resolve(new Response(content, { status, headers: type === undefined ? {} : { 'content-type': type } }));
      });
    });
    outgoing.once('error', reject);
    outgoing.end(sent);
  });
}

/** Statuses with which a `Response` accepts no body. */
const NO_CONTENT = [204, 205, 304];

/** What the client sends: forms, or nothing. */
function textOf(body: CustomFetchOptions['body']): string | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string') return body;
  if (body instanceof URLSearchParams) return body.toString();
  throw new TypeError('a request to a provider has a form or no body');
}
