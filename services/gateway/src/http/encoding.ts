import { Problem } from '#libs/contracts';
import type { FastifyInstance } from 'fastify';

/** Keeps nothing between two calls without `stream`. */
const whole = new TextDecoder('utf-8', { fatal: true });

/**
 * The text without a byte order mark.
 * @throws Problem `invalid-encoding` for bytes that are no UTF-8: a decoder that forgives would put U+FFFD in their place
 */
export function textOf(bytes: Buffer, what: string): string {
  try {
    return whole.decode(bytes);
  } catch {
    throw notUtf8(what);
  }
}

/** The same of a header's value, in which Node makes a character of each byte. @throws Problem `invalid-encoding` */
export const headerText = (value: string, name: string): string =>
  textOf(Buffer.from(value, 'latin1'), `The header ${name}`);

/**
 * The same bytes, passed on as they come. A character may begin in one piece and end in the next.
 * @throws Problem `invalid-encoding` at the first piece that is no UTF-8
 */
export async function* onlyUtf8(source: AsyncIterable<Buffer>, what: string): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const check = (piece?: Buffer) => {
    try {
      decoder.decode(piece, { stream: piece !== undefined });
    } catch {
      throw notUtf8(what);
    }
  };
  for await (const piece of source) {
    check(piece);
    yield piece;
  }
  check();
}

/** What the path and the query encode is text in UTF-8, or the values would be something else than what was sent. */
export function refuseInvalidAddresses(instance: FastifyInstance): void {
  instance.addHook('onRequest', ({ url }, _reply, done) => {
    done(isEncoded(url) ? undefined : invalidAddress());
  });
}

export const invalidAddress = (): Problem =>
  invalidEncoding('In the address, text has to be UTF-8 with percent-encoding, as in %C3%BC.');

function isEncoded(url: string): boolean {
  // Node makes a character of each byte that should have been encoded.
  if (/[^\x21-\x7e]/.test(url)) return false;
  if (!url.includes('%')) return true;
  try {
    decodeURIComponent(url);
    return true;
  } catch {
    return false;
  }
}

const notUtf8 = (what: string) => invalidEncoding(`${what} is not text in UTF-8.`);
const invalidEncoding = (detail: string) => new Problem('invalid-encoding', { detail });
