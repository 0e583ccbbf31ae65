import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { assertNoOpenTransaction } from '#libs/database';
import { PrivateAddressError, isPrivateAddress, publicLookup } from '#libs/platform';

const TIMEOUT = 15_000;

export interface Post {
  url: string;
  headers: Record<string, string>;
  body: string;
  /** Allows private addresses. */
  allowPrivate: boolean;
}

export interface PostAnswer {
  status: number;
  retryAfter: string | undefined;
}

/**
 * Posts JSON and returns status and `Retry-After`; the response body is not read. Redirects are not followed, because they could
 * lead to an unchecked address.
 * @throws PrivateAddressError when the host is not public; Error when there is no response within 15 seconds
 */
export async function post({ url, headers, body, allowPrivate }: Post): Promise<PostAnswer> {
  assertNoOpenTransaction('webhook');
  if (!allowPrivate && isPrivateAddress(url)) throw new PrivateAddressError();
  const request = new URL(url).protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method: 'POST',
      // A new connection each time: a reused one might lead to an address that was not checked.
      agent: false,
      signal: AbortSignal.timeout(TIMEOUT),
      headers: {
        ...headers,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'Leaver-Webhooks',
      },
      ...(allowPrivate ? {} : { lookup: publicLookup }),
    });
    outgoing.once('response', (response) => {
      resolve({ status: response.statusCode!, retryAfter: response.headers['retry-after'] });
      response.destroy();
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}
