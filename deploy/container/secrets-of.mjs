import { permissions } from '../../scripts/lib/nats-users.mjs';
import { brokerUsers, dataServices } from '../../scripts/lib/services.mjs';

/**
 * What each one needs to know, by file.
 * @param keys as `secrets` in scripts/lib/home.mjs makes them
 * @param hosts where PostgreSQL and NATS are, `{ postgres, nats }`, each `host:port`
 */
export function secretsOf(keys, hosts) {
  const database = (name, user, password) => `postgres://${user}:${password}@${hosts.postgres}/leaver_${name}`;
  const runtimeUrl = (name) => database(name, name, keys.databases[name].runtime);
  const ownerUrl = (name) => database(name, `${name}_owner`, keys.databases[name].owner);
  const natsUrl = (user) => `nats://${user}:${keys.nats[user]}@${hosts.nats}`;
  return {
    service: (name) => ({
      'nats-url': natsUrl(name),
      ...(dataServices.includes(name) && { 'database-url': runtimeUrl(name) }),
      ...(name === 'identity' && { 'leaver-secret': keys.master }),
      ...(name === 'contacts' && { 'contacts-secret': keys.contacts }),
      ...(name === 'integrations' && { 'integrations-secret': keys.integrations }),
    }),
    jobs: () =>
      Object.fromEntries(
        dataServices.flatMap((name) => [
          [`${name}-database-url`, runtimeUrl(name)],
          [`${name}-owner-database-url`, ownerUrl(name)],
        ]),
      ),
    /** Those who connect to the broker from outside: `subscriber`, `operator`. */
    outsider: (name) => ({ 'nats-url': natsUrl(name) }),
    /** Whoever may connect to the broker, with what they may do there. */
    brokerUsers: () => brokerUsers.map((name) => ({ name, password: keys.nats[name], ...permissions[name] })),
  };
}
