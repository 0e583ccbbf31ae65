/** @import { Certified } from './certificates.mjs' */
import { text } from 'node:stream/consumers';
import { UserError } from '../../scripts/lib/prepare.mjs';
import { certify, newAuthority, verifiedBy } from './certificates.mjs';

/**
 * A Secret as `kubectl get --output json` prints it.
 * @typedef {{ metadata: { name: string }, type: string, data?: Record<string, string> }} StoredSecret
 */

/** A Secret to apply. @typedef {ReturnType<typeof secret>} Secret */

/** The file in which pods find the certificate of the CA. */
export const TRUSTED = '/run/secrets/leaver-ca/ca.crt';
/** The Secret with the private key of the CA. No pod has it. cert-manager makes one of the same name and form. */
const AUTHORITY = 'leaver-ca';

const NAMESPACE = 'leaver';
const SUFFIXES = ['', `.${NAMESPACE}`, `.${NAMESPACE}.svc`, `.${NAMESPACE}.svc.cluster.local`];
/** @param {string[]} services */
const namesOf = (services) => services.flatMap((service) => SUFFIXES.map((suffix) => `${service}${suffix}`));

/** The Secrets of the servers. The servers of a NATS cluster reach each other at `<pod>.leaver-nats-headless`. */
export const SERVERS = [
  { secret: 'leaver-postgres-tls', names: namesOf(['leaver-postgres-rw', 'leaver-postgres-r', 'leaver-postgres-ro']) },
  {
    secret: 'leaver-nats-tls',
    names: namesOf(['leaver-nats', 'leaver-nats-headless', '*.leaver-nats-headless']),
    client: true,
  },
];
/** CloudNativePG reads a Secret with this label again when it changes. */
const RELOADED = { 'cnpg.io/reload': '' };

const HOW =
  'Standard input has to be the Secrets: kubectl --namespace leaver get secrets --selector app.kubernetes.io/part-of=leaver --output json';

/**
 * The Secrets with the certificates of the servers, and that of the CA if it is new.
 * @param {Date} now
 * @param {Certified} [kept] the CA of the installation
 */
export async function certificateSecrets(now, kept) {
  const authority = kept ?? (await newAuthority(now));
  const servers = SERVERS.map(async (server) =>
    tlsSecret(server.secret, await certify(authority, server, now), authority, RELOADED),
  );
  return [...(kept ? [] : [tlsSecret(AUTHORITY, authority, authority)]), ...(await Promise.all(servers))];
}

/**
 * Reads the Secrets of an installation from standard input and prints those that change: new certificates of the servers, a CA if
 * there is none, and addresses without TLS.
 * @param {string | undefined} option `--new-ca`, or `--cert-manager` to leave the certificates to it
 */
export async function printCertificates(option) {
  if (option !== undefined && option !== '--new-ca' && option !== '--cert-manager')
    throw new UserError('kubernetes-certificates takes no argument but --new-ca or --cert-manager.');
  const stored = storedSecrets(await text(process.stdin));
  const made =
    option === '--cert-manager'
      ? []
      : await certificateSecrets(new Date(), option === '--new-ca' ? undefined : authorityIn(stored));
  printList([...made, ...stored.flatMap(withTls)]);
}

/** @param {Secret[]} items */
export const printList = (items) => console.log(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, null, 2));

/**
 * @param {string} input
 * @returns {StoredSecret[]}
 */
function storedSecrets(input) {
  try {
    const { kind, items } = JSON.parse(input);
    if (kind === 'List' && items.length > 0) return items;
  } catch {
    // Reported below.
  }
  throw new UserError(HOW);
}

/**
 * @param {StoredSecret[]} stored
 * @returns {Certified | undefined}
 */
function authorityIn(stored) {
  const { data } = stored.find(({ metadata }) => metadata.name === AUTHORITY) ?? {};
  return data && { certificate: decoded(data['tls.crt']), key: decoded(data['tls.key']) };
}

/**
 * The Secret with addresses that use TLS; none if it has others already or no addresses.
 * @param {StoredSecret} stored
 * @returns {Secret[]}
 */
function withTls({ metadata: { name }, type, data = {} }) {
  const former = Object.entries(data).map(([key, value]) => /** @type {const} */ ([key, decoded(value)]));
  const changed = former.map(([key, value]) => [key, key.endsWith('-url') ? addressWithTls(value) : value]);
  return changed.some(([, value], index) => value !== former[index]?.[1])
    ? [secret(name, Object.fromEntries(changed), { type })]
    : [];
}

/** @param {string} address */
function addressWithTls(address) {
  if (address.startsWith('nats:')) return address.replace('nats:', 'tls:');
  const url = new URL(address);
  if (!url.protocol.startsWith('postgres') || url.searchParams.has('sslmode')) return address;
  url.search = verifiedBy(TRUSTED);
  return url.href;
}

/** @param {string | undefined} base64 */
const decoded = (base64 = '') => Buffer.from(base64, 'base64').toString();

/**
 * @param {string} name
 * @param {Certified} pair
 * @param {Certified} authority
 * @param {Record<string, string>} [labels]
 */
const tlsSecret = (name, { certificate, key }, authority, labels) =>
  secret(
    name,
    { 'tls.crt': certificate, 'tls.key': key, 'ca.crt': authority.certificate },
    { type: 'kubernetes.io/tls', labels },
  );

/**
 * @param {string} name
 * @param {Record<string, string>} files
 * @param {{ type?: string, labels?: Record<string, string> }} [options]
 */
export const secret = (name, files, { type = 'Opaque', labels = {} } = {}) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, labels: { 'app.kubernetes.io/part-of': 'leaver', ...labels } },
  type,
  data: Object.fromEntries(
    Object.entries(files).map(([file, content]) => [file, Buffer.from(content).toString('base64')]),
  ),
});
