/** @import { Secrets } from '../../scripts/lib/home.mjs' */
import { publicKeysOf } from '../../scripts/lib/home.mjs';
import { natsUsers } from '../../scripts/lib/nats-users.mjs';
import { dataServices } from '../../scripts/lib/services.mjs';
import { verifiedBy } from './certificates.mjs';

/** @typedef {ReturnType<typeof secretsOf>} InstallationSecrets */

/**
 * Where readers find the servers.
 * @typedef {object} Servers
 * @property {string} postgres `host:port`
 * @property {string} nats `host:port`
 * @property {string} trusted the file with the certificate of the CA that has issued theirs
 */

/**
 * The secrets that each reader needs, by file.
 * @param {Secrets} secrets
 * @param {Servers} servers
 * @param {string} [authority] the certificate of the CA, if readers get it with their secrets
 */
export function secretsOf(secrets, servers, authority) {
  /** @type {Record<string, string>} */
  const trusted = authority ? { 'ca.crt': authority } : {};
  /** @param {string} service */
  const databaseUrls = (service) => {
    const passwords = secrets.databases[service];
    if (!passwords) throw new Error(`${service} has no database passwords`);
    /** @type {(role: string, password: string) => string} */
    const url = (role, password) =>
      `postgres://${role}:${password}@${servers.postgres}/leaver_${service}?${verifiedBy(servers.trusted)}`;
    return { runtime: url(service, passwords.runtime), owner: url(`${service}_owner`, passwords.owner) };
  };
  /** @param {string} user */
  const natsUrl = (user) => `tls://${user}:${secrets.nats[user]}@${servers.nats}`;
  /** @param {string} name */
  const serviceKey = (name) => {
    const key = secrets.serviceKeys[name];
    if (!key) throw new Error(`${name} has no key`);
    return { 'service-key': key };
  };
  return {
    /**
     * @param {string} name
     * @returns {Record<string, string>}
     */
    service: (name) => ({
      'nats-url': natsUrl(name),
      ...trusted,
      ...serviceKey(name),
      'service-public-keys': publicKeysOf(secrets),
      ...(dataServices.includes(name) && { 'database-url': databaseUrls(name).runtime }),
      ...(name === 'identity' && { 'leaver-secret': secrets.master }),
      ...(name === 'contacts' && { 'contacts-secret': secrets.contacts }),
      ...(name === 'integrations' && { 'integrations-secret': secrets.integrations }),
      ...(name === 'notifications' && { 'notifications-secret': secrets.notifications }),
    }),
    /** @returns {Record<string, string>} */
    jobs: () => ({
      ...trusted,
      ...Object.fromEntries(
        dataServices.flatMap((name) => {
          const { runtime, owner } = databaseUrls(name);
          return [
            [`${name}-database-url`, runtime],
            [`${name}-owner-database-url`, owner],
          ];
        }),
      ),
    }),
    /**
     * Of a program outside that connects to the broker.
     * @param {'subscriber' | 'operator'} user
     */
    client: (user) => ({ 'nats-url': natsUrl(user), ...trusted, ...(user === 'operator' && serviceKey(user)) }),
    brokerUsers: () => natsUsers(secrets.nats, secrets.subscribers),
  };
}
