/** @import { Secrets } from '../../scripts/lib/home.mjs' */
import { publicKeysOf } from '../../scripts/lib/home.mjs';
import { natsUsers } from '../../scripts/lib/nats-users.mjs';
import { dataServices } from '../../scripts/lib/services.mjs';

/** @typedef {ReturnType<typeof secretsOf>} InstallationSecrets */

/**
 * The secrets that each reader needs, by file.
 * @param {Secrets} secrets
 * @param {{ postgres: string, nats: string }} hosts each `host:port`
 */
export function secretsOf(secrets, hosts) {
  /** @param {string} service */
  const databaseUrls = (service) => {
    const passwords = secrets.databases[service];
    if (!passwords) throw new Error(`${service} has no database passwords`);
    /** @type {(role: string, password: string) => string} */
    const url = (role, password) => `postgres://${role}:${password}@${hosts.postgres}/leaver_${service}`;
    return { runtime: url(service, passwords.runtime), owner: url(`${service}_owner`, passwords.owner) };
  };
  /** @param {string} user */
  const natsUrl = (user) => `nats://${user}:${secrets.nats[user]}@${hosts.nats}`;
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
      ...serviceKey(name),
      'service-public-keys': publicKeysOf(secrets),
      ...(dataServices.includes(name) && { 'database-url': databaseUrls(name).runtime }),
      ...(name === 'identity' && { 'leaver-secret': secrets.master }),
      ...(name === 'contacts' && { 'contacts-secret': secrets.contacts }),
      ...(name === 'integrations' && { 'integrations-secret': secrets.integrations }),
    }),
    /** @returns {Record<string, string>} */
    jobs: () =>
      Object.fromEntries(
        dataServices.flatMap((name) => {
          const { runtime, owner } = databaseUrls(name);
          return [
            [`${name}-database-url`, runtime],
            [`${name}-owner-database-url`, owner],
          ];
        }),
      ),
    /**
     * Of a program outside that connects to the broker.
     * @param {'subscriber' | 'operator'} user
     */
    client: (user) => ({ 'nats-url': natsUrl(user), ...(user === 'operator' && serviceKey(user)) }),
    brokerUsers: () => natsUsers(secrets.nats, secrets.subscribers),
  };
}
