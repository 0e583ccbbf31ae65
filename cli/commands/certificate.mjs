/** @import { CertificateFault, CertificateVerification } from '#libs/contracts' */
/** @import { OfflineVerification } from '../certificates/offline-check.mjs' */
/** @import { Terminal } from '../terminal/terminal.mjs' */
import { readFile } from 'node:fs/promises';
import { json, verifyOffline } from '../certificates/offline-check.mjs';
import { defineCommand } from '../command.mjs';
import { gatewayUrl } from '../credentials.mjs';
import { EXIT, usageError } from '../exit-codes.mjs';
import { HttpClient } from '../http-client.mjs';

export const certificate = defineCommand({
  usage: 'certificate <file> [--keys <file> [--proof <file>]]',
  about:
    'verify a certificate of a deletion; with --keys, a copy of /.well-known/jwks.json, without asking Leaver; --proof is what ' +
    'this command has shown with --json before',
  args: 1,
  options: { keys: { type: 'string' }, proof: { type: 'string' } },
  run: async ({ args: [file], values, limits, out, report }) => {
    if (values.proof !== undefined && values.keys === undefined) throw usageError('--proof needs --keys.');
    const jws = jwsIn(await contentOf(file));
    if (values.keys !== undefined) {
      const { keys } = json(await contentOf(values.keys)) ?? {};
      if (!Array.isArray(keys)) throw usageError(`${values.keys} has no keys.`);
      const proof = values.proof === undefined ? undefined : proofIn(await contentOf(values.proof), values.proof);
      const found = verifyOffline(jws, keys, proof);
      report(found, () => showOffline(out, found));
      return found.valid ? EXIT.done : EXIT.failed;
    }
    const api = new HttpClient(await gatewayUrl(), undefined, undefined, limits.answer);
    /** @type {CertificateVerification} */
    const found = await api.post('/v1/certificates/verify', { jws });
    report(found, () => show(out, found));
    return found.valid ? EXIT.done : EXIT.failed;
  },
});

/** @type {Record<CertificateFault | 'proof', string>} */
const REASONS = {
  malformed: 'it is no certificate',
  'unknown-key': 'no key for certificates has this id',
  signature: 'it was changed, or signed with another key',
  'key-withdrawn': 'it is dated after its key was stolen',
  'not-in-log': 'it was not issued at its date',
  'log-not-confirmed': 'its key was stolen, and nothing proves that it was issued before',
  proof: 'the proof is not of this certificate, or not valid',
};

/** @param {string} path */
async function contentOf(path) {
  return readFile(path, 'utf8').catch((/** @type {Error} */ error) => {
    throw usageError(`${path} cannot be read: ${error.message}`);
  });
}

/**
 * The JWS, alone or in the answer of the API.
 * @param {string} text
 */
const jwsIn = (text) => String(json(text)?.jws ?? text).trim();

/**
 * The proof, alone or in the answer of the API.
 * @param {string} text
 * @param {string} path
 */
function proofIn(text, path) {
  const found = json(text);
  const proof = found?.log?.proof ?? found;
  if (!proof?.entry || !Array.isArray(proof.path)) throw usageError(`${path} has no proof.`);
  return proof;
}

/**
 * @param {Terminal} out
 * @param {{ valid: boolean, reason?: CertificateFault | 'proof', kid?: string, issuedAt?: string, keyWithdrawnFrom?: string }} verdict
 */
function showVerdict(out, { valid, reason, kid, issuedAt, keyWithdrawnFrom }) {
  if (valid) out.line(`${out.green('The certificate is valid.')} It was issued at ${issuedAt} with the key ${kid}.`);
  else out.line(out.red(`The certificate is not valid: ${reason && REASONS[reason]}.`));
  if (keyWithdrawnFrom) out.line(`Its key was withdrawn as stolen since ${keyWithdrawnFrom}.`);
}

/**
 * @param {Terminal} out
 * @param {CertificateVerification} found
 */
function show(out, { log, ...verdict }) {
  showVerdict(out, verdict);
  if (log) {
    out.line(`The audit trail has it since ${log.loggedAt}, as entry ${log.position}.`);
    out.line(log.publishedAt ? `That was published at ${log.publishedAt}.` : 'That has not been published yet.');
  } else if (verdict.valid) out.line('It is from before there was a log of certificates.');
}

/**
 * @param {Terminal} out
 * @param {OfflineVerification} found
 */
function showOffline(out, { publishedAt, ...verdict }) {
  showVerdict(out, verdict);
  if (!verdict.valid) return;
  if (publishedAt) out.line(`Its entry in the log was published at ${publishedAt}.`);
  else
    out.line('Not known without --proof: whether Leaver issued it. A thief of the key could have signed and dated it.');
  out.line('Not known offline: whether the key has been withdrawn since the copy of the keys was made.');
}
