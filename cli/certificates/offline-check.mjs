/** @import { CertificateFault, CertificateLogProof, KeyPurpose, PublishedKey } from '#libs/contracts' */
import { createHash, createPublicKey, verify } from 'node:crypto';

/** Milliseconds between the date of a certificate and its entry in the log. */
const LOGGED_WITHIN = 60_000;

/**
 * What can be said about a certificate without asking Leaver. Without `publishedAt` it is not known whether it was issued.
 * @typedef {object} OfflineVerification
 * @property {boolean} valid
 * @property {CertificateFault | 'proof'} [reason] `proof`: the proof is not of this certificate, or not valid
 * @property {string} [kid]
 * @property {string} [issuedAt]
 * @property {string} [keyWithdrawnFrom] as the copy of the keys has it
 * @property {string} [publishedAt] when its entry in the log was published
 */

/**
 * Verifies a certificate with copies of the public keys and of the proof of its entry in the log. It shares no code with
 * identity, so that it is a second opinion.
 * @param {string} jws
 * @param {readonly PublishedKey[]} keys
 * @param {CertificateLogProof} [proof]
 * @returns {OfflineVerification}
 */
export function verifyOffline(jws, keys, proof) {
  const certificate = parsed(jws);
  const { kid } = certificate?.header ?? {};
  if (certificate?.header.typ !== 'deletion-certificate+jws' || kid === undefined)
    return { valid: false, reason: 'malformed' };
  const key = keyOf(keys, kid, 'certificates');
  if (!key) return { valid: false, reason: 'unknown-key', kid };
  if (!isSigned(jws, key)) return { valid: false, reason: 'signature', kid };
  const date = Date.parse(String(certificate.payload.issuedAt));
  if (Number.isNaN(date)) return { valid: false, reason: 'malformed', kid };
  const withdrawnFrom = withdrawal(key);
  const known = {
    kid,
    issuedAt: new Date(date).toISOString(),
    ...(key.revoked && { keyWithdrawnFrom: new Date(withdrawnFrom).toISOString() }),
  };
  if (date >= withdrawnFrom) return { valid: false, reason: 'key-withdrawn', ...known };
  const published = proof && publicationIn(proof, keys, createHash('sha256').update(jws).digest('hex'), date);
  if (proof && published === undefined) return { valid: false, reason: 'proof', ...known };
  if (key.revoked && (published === undefined || published >= withdrawnFrom))
    return { valid: false, reason: 'log-not-confirmed', ...known };
  return { valid: true, ...known, ...(published && { publishedAt: new Date(published).toISOString() }) };
}

/**
 * When the entry was published, in milliseconds since 1970; undefined if the proof is not valid.
 * @param {CertificateLogProof} proof
 * @param {readonly PublishedKey[]} keys
 * @param {string} sha256 of the certificate
 * @param {number} date of the certificate
 */
function publicationIn({ accountId, position, entry, path, root }, keys, sha256, date) {
  const { at, action, actorId, system, subjectId, detail, salt, prevHash } = entry;
  if (action !== 'certificate.issued' || json(detail)?.sha256 !== sha256) return undefined;
  if (!(Math.abs(Date.parse(at) - date) <= LOGGED_WITHIN)) return undefined;
  const covered = [prevHash, accountId, position, at, action, actorId, system, subjectId, digest(`${salt}:${detail}`)];
  const leaf = digest(`leaf:${JSON.stringify([accountId, position, digest(JSON.stringify(covered))])}`);
  const top = path.reduce(
    (hash, step) => digest(step.side === 'left' ? `node:${step.hash}:${hash}` : `node:${hash}:${step.hash}`),
    leaf,
  );
  const signed = parsed(root);
  if (signed?.header.typ !== 'audit-heads+jws' || signed.payload.root !== top) return undefined;
  const key = keyOf(keys, signed.header.kid, 'heads');
  const published = Date.parse(String(signed.payload.at));
  return key && isSigned(root, key) && published < withdrawal(key) ? published : undefined;
}

/** @param {PublishedKey} key */
const withdrawal = ({ revoked }) => (revoked ? revoked.revoked_at * 1_000 : Infinity);

/**
 * A key whose signatures can count for the purpose.
 * @param {readonly PublishedKey[]} keys
 * @param {unknown} kid
 * @param {KeyPurpose} purpose
 */
const keyOf = (keys, kid, purpose) =>
  keys.find((key) => key.kid === kid && (key.purpose === undefined || key.purpose === purpose));

/**
 * @param {string} jws
 * @param {PublishedKey} key
 */
function isSigned(jws, { kty, crv, x }) {
  const [header, payload, signature] = jws.split('.');
  if (kty !== 'OKP' || crv !== 'Ed25519' || json(decoded(header))?.alg !== 'EdDSA') return false;
  const publicKey = createPublicKey({ key: { kty, crv, x: String(x) }, format: 'jwk' });
  return verify(null, Buffer.from(`${header}.${payload}`), publicKey, Buffer.from(String(signature), 'base64url'));
}

/** @param {string} jws */
function parsed(jws) {
  const parts = jws.split('.');
  const [header, payload] = parts.map((part) => json(decoded(part)));
  return parts.length === 3 && header && payload ? { header, payload } : undefined;
}

/** @param {string | undefined} part */
const decoded = (part) => Buffer.from(part ?? '', 'base64url').toString();

/**
 * The object that a JSON text describes; undefined if it describes something else, or is not JSON.
 * @param {string} text
 * @returns {Record<string, any> | undefined} any: the caller compares the members that it reads
 */
export function json(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** @param {string} text */
const digest = (text) => createHash('sha256').update(text).digest('hex');
