import { chown, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SystemAccount } from './postgres-account.js';

/** What a server proves with who it is, in PEM format. It then refuses connections without TLS. */
export interface ServerTls {
  certificate: string;
  key: string;
}

/** The files with which a server proves who it is, in its folder. */
export const SERVER_CERTIFICATE = 'tls.crt';
export const SERVER_KEY = 'tls.key';
const ACCESS = 'pg_hba.conf';

/** Seconds that a client has for the handshake; the default of 2 is short for a machine under load. */
const HANDSHAKE_SECONDS = 5;

/** Who may connect to PostgreSQL: over TCP only with TLS and a password; programs in the server's container by its socket. */
export const POSTGRES_ACCESS = `local all all trust
local replication all trust
hostssl all all all scram-sha-256
`;

/**
 * The part of nats-server's configuration about TLS.
 * @param folder of the two files, as the server sees it
 */
export const natsTls = (folder: string): object => ({
  tls: { cert_file: join(folder, SERVER_CERTIFICATE), key_file: join(folder, SERVER_KEY), timeout: HANDSHAKE_SECONDS },
});

/** Writes the two files for NATS. */
export async function writeNatsTls(folder: string, tls: ServerTls): Promise<void> {
  await write(join(folder, SERVER_CERTIFICATE), tls.certificate);
  await write(join(folder, SERVER_KEY), tls.key);
}

/**
 * Writes the files for PostgreSQL.
 * @param account what PostgreSQL runs as: it must own the key
 * @returns PostgreSQL's settings
 */
export async function writePostgresTls(
  folder: string,
  tls: ServerTls,
  account: SystemAccount | undefined,
): Promise<Record<string, string>> {
  const files = { [SERVER_CERTIFICATE]: tls.certificate, [SERVER_KEY]: tls.key, [ACCESS]: POSTGRES_ACCESS };
  for (const [name, text] of Object.entries(files)) await write(join(folder, name), text, account);
  return {
    ssl: 'on',
    ssl_cert_file: join(folder, SERVER_CERTIFICATE),
    ssl_key_file: join(folder, SERVER_KEY),
    hba_file: join(folder, ACCESS),
  };
}

async function write(file: string, text: string, account?: SystemAccount): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  if (account) await chown(`${file}.new`, account.uid, account.gid);
  await rename(`${file}.new`, file);
}
