/** @import { Certified } from './certificates.mjs' */
import { join } from 'node:path';
import { SERVER_CERTIFICATE, SERVER_KEY } from '#libs/local-servers';
import { readIfExists } from '../../scripts/lib/home.mjs';
import { certify, isDue, newAuthority } from './certificates.mjs';

/** The files of the CA, where its private key is kept. */
export const AUTHORITY = { certificate: 'ca.crt', key: 'ca.key' };

/**
 * What is renewed: certificates that end within a year, all certificates of servers, or the CA as well. Whatever is missing is
 * always made.
 * @typedef {'due' | 'servers' | 'authority'} Renewal
 */

/**
 * Reads the certificates of an installation, and makes those that are missing or to be renewed. It writes nothing.
 * @param {string} folder has a folder `all` for the CA and one for each server
 * @param {Record<string, string[]>} servers the names at which clients reach each server
 * @param {{ now: Date, renewal: Renewal }} options
 */
export async function serverCertificates(folder, servers, { now, renewal }) {
  const kept = await pairIn(join(folder, 'all'), AUTHORITY);
  const authority = kept && renewal !== 'authority' ? kept : await newAuthority(now);
  const entries = Object.entries(servers).map(async ([server, names]) => {
    const current = await pairIn(join(folder, server), { certificate: SERVER_CERTIFICATE, key: SERVER_KEY });
    const stays = current && renewal === 'due' && !isDue(current, authority.certificate, names, now);
    return /** @type {const} */ ([server, stays ? current : await certify(authority, { names }, now)]);
  });
  return { authority, servers: Object.fromEntries(await Promise.all(entries)) };
}

/**
 * @param {string} folder
 * @param {{ certificate: string, key: string }} files
 * @returns {Promise<Certified | undefined>} undefined if one of the files is missing
 */
async function pairIn(folder, files) {
  const certificate = await readIfExists(join(folder, files.certificate));
  const key = await readIfExists(join(folder, files.key));
  return certificate && key ? { certificate, key } : undefined;
}
