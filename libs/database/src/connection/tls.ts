import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import pg from 'pg';

/** How a connection to PostgreSQL is encrypted, for `pg`. */
export interface DatabaseTls {
  /** Certificates of the CAs that are trusted, in PEM format. Default: those of Node.js. */
  ca?: string;
}

/** Milliseconds. */
const CONNECT_TIMEOUT = 5_000;

/**
 * How the parameters `sslmode` and `sslrootcert` of a database's address encrypt its connections. `pg` reads them itself from a
 * connection string; MikroORM ignores them.
 * @returns undefined if connections are not encrypted
 * @throws Error if the parameters are wrong or the file cannot be read; the message quotes no address
 */
export function databaseTls(url: string): DatabaseTls | undefined {
  const { hostname, searchParams } = new URL(url);
  const [mode, file] = [searchParams.get('sslmode'), searchParams.get('sslrootcert')];
  if (!file && (mode === null || mode === 'disable')) return undefined;
  if (mode !== 'verify-full')
    throw new Error(
      'sslmode must be verify-full, or disable without sslrootcert: other modes do not verify the server',
    );
  // `pg` would compare the certificate with the name `localhost` then.
  if (isIP(hostname.replace(/^\[|\]$/g, '')))
    throw new Error('the host must be a name, not an IP address: sslmode=verify-full compares it with the certificate');
  if (!file) return {};
  try {
    return { ca: readFileSync(file, 'utf8') };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`sslrootcert must name a file that can be read (${code})`, { cause: error });
  }
}

/**
 * Connects once to a database whose connections are encrypted.
 * @returns why its certificate is not accepted; undefined if it is, or if the database cannot be reached
 */
export async function databaseCertificateFault(url: string): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return undefined;
  } catch (error) {
    return certificateFault(error);
  } finally {
    // A connection that was refused has nothing to end.
    await client.end().catch(() => undefined);
  }
}

const REASONS: readonly [RegExp, string][] = [
  [/^CERT_HAS_EXPIRED$/, 'the certificate of the server has expired'],
  [/^CERT_NOT_YET_VALID$/, 'the certificate of the server is not valid yet'],
  [/^(ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)$/, 'the certificate of the server is for other names'],
  [
    /^(CERT_|UNABLE_TO_(GET|VERIFY|DECRYPT)_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|INVALID_CA|INVALID_PURPOSE)/,
    'the certificate of the server is not from a CA that is trusted here',
  ],
];
/** What the clients of PostgreSQL and NATS say if the server offers no TLS. */
const NO_TLS = /does not support (SSL connections|'tls')/;

/** Why a server is not trusted, if that is what the error says: no later attempt would succeed. */
export function certificateFault(error: unknown): string | undefined {
  const { code, message, cause } = (error ?? {}) as { code?: unknown; message?: unknown; cause?: unknown };
  const [, reason] = REASONS.find(([pattern]) => pattern.test(String(code))) ?? [];
  if (reason) return `${reason} (${String(code)})`;
  if (NO_TLS.test(String(message))) return 'the server does not offer TLS';
  return cause ? certificateFault(cause) : undefined;
}
