/** @import { webcrypto } from 'node:crypto' */
// The certificates with which PostgreSQL and NATS prove to the services who they are, and the CA that issues them.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

/**
 * A certificate and its private key, both in PEM format.
 * @typedef {{ certificate: string, key: string }} Certified
 */

/**
 * What a server's certificate is for.
 * @typedef {object} ServerNames
 * @property {string[]} names the names and IP addresses at which clients reach the server
 * @property {boolean} [client] whether the server also connects to others with it, as the servers of a NATS cluster do
 */

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3_650;
const SERVER_DAYS = 730;
/** A certificate with less time left is renewed at the next opportunity. */
const RENEWAL_DAYS = 365;
/** The clocks of two machines may differ by as much. */
const CLOCK_SKEW_MS = 3_600_000;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/**
 * A new CA. It issues certificates of servers, no further CAs.
 * @param {Date} now
 * @returns {Promise<Certified>}
 */
export async function newAuthority(now) {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: 'CN=Leaver CA',
    ...validity(now, AUTHORITY_DAYS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(await publicKeyOf(keys)),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: await keyInPem(keys.privateKey) };
}

/**
 * A new certificate of a server, which ends no later than the CA.
 * @param {Certified} authority
 * @param {ServerNames} server
 * @param {Date} now
 * @returns {Promise<Certified>}
 */
export async function certify(authority, { names, client = false }, now) {
  const issuer = new x509.X509Certificate(authority.certificate);
  const { notBefore, notAfter } = validity(now, SERVER_DAYS);
  const keys = await newKeys();
  const usages = [x509.ExtendedKeyUsage.serverAuth, ...(client ? [x509.ExtendedKeyUsage.clientAuth] : [])];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: `CN=${names[0]}`,
    issuer: issuer.subject,
    notBefore,
    notAfter: notAfter < issuer.notAfter ? notAfter : issuer.notAfter,
    signingAlgorithm: ALGORITHM,
    signingKey: await signingKey(authority.key),
    publicKey: keys.publicKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(usages),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({
          type: isIP(value) ? /** @type {const} */ ('ip') : /** @type {const} */ ('dns'),
          value,
        })),
      ),
      await x509.SubjectKeyIdentifierExtension.create(await publicKeyOf(keys)),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: await keyInPem(keys.privateKey) };
}

/**
 * Whether a server needs another certificate: the CA has not issued it, it lacks a name, its key does not fit, or it
 * ends within a year.
 * @param {Certified} server
 * @param {string} authority the certificate of the CA
 * @param {string[]} names
 * @param {Date} now
 */
export function isDue({ certificate, key }, authority, names, now) {
  const [own, issuer] = [new X509Certificate(certificate), new X509Certificate(authority)];
  const isNamed = (/** @type {string} */ name) => (isIP(name) ? own.checkIP(name) : own.checkHost(name)) !== undefined;
  return (
    !own.checkIssued(issuer) ||
    !own.verify(issuer.publicKey) ||
    !names.every(isNamed) ||
    !own.checkPrivateKey(createPrivateKey(key)) ||
    endOf(certificate).getTime() - now.getTime() < RENEWAL_DAYS * DAY_MS
  );
}

/**
 * When a certificate ends.
 * @param {string} certificate
 */
export const endOf = (certificate) => new Date(new X509Certificate(certificate).validTo);

/**
 * The parameters of a PostgreSQL address with which clients verify the server.
 * @param {string} trusted the file with the certificate of the CA, as the client sees it
 */
export const verifiedBy = (trusted) => String(new URLSearchParams({ sslmode: 'verify-full', sslrootcert: trusted }));

/**
 * @param {Date} now
 * @param {number} days
 */
const validity = (now, days) => ({
  notBefore: new Date(now.getTime() - CLOCK_SKEW_MS),
  notAfter: new Date(now.getTime() + days * DAY_MS),
});

/** A positive number of 127 random bits, in hexadecimal. */
const newSerial = () => {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
};

const newKeys = () => crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

/** @param {webcrypto.CryptoKeyPair} keys */
const publicKeyOf = async ({ publicKey }) => new x509.PublicKey(await crypto.subtle.exportKey('spki', publicKey));

/** @param {webcrypto.CryptoKey} key */
async function keyInPem(key) {
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    .export({ format: 'pem', type: 'pkcs8' })
    .toString();
}

/** @param {string} pem */
function signingKey(pem) {
  const der = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
  return crypto.subtle.importKey('pkcs8', new Uint8Array(der), ALGORITHM, false, ['sign']);
}
