import { watch } from 'node:fs';
import { permissions, ruleOwner, subscriberOf } from './nats-users.mjs';

/** The file that `startNats` and the image's job `secrets` write; `users.conf` of Kubernetes has the same `authorization`. */
export const CONFIGURATION = 'nats.conf';

/**
 * A user in the configuration of nats-server.
 * @typedef {object} UserEntry
 * @property {string} user
 * @property {string} password
 * @property {object} [permissions]
 */

/** @typedef {{ authorization: { users: UserEntry[] }, port?: number }} BrokerConfiguration */

/**
 * @param {string} name
 * @param {string} password
 * @param {{ publish: string[], subscribe: string[] }} allowed
 * @returns {UserEntry}
 */
const entryOf = (name, password, { publish, subscribe }) => ({
  user: name,
  password,
  permissions: { publish: { allow: publish }, subscribe: { allow: subscribe }, allow_responses: true },
});

/** @param {UserEntry} entry */
const published = ({ permissions: allowed }) =>
  /** @type {{ publish?: { allow?: string[] } } | undefined} */ (allowed)?.publish?.allow ?? [];

/**
 * Services with rules have a consumer of the events, too, but they also publish.
 * @param {UserEntry} entry
 */
const isSubscriber = (entry) =>
  published(entry).includes(`$JS.API.CONSUMER.MSG.NEXT.USERS.${entry.user}`) &&
  published(entry).every((subject) => subject.startsWith('$JS.'));

/**
 * The names of the subscribers, in the order in which they were added.
 * @param {BrokerConfiguration} configuration
 */
export const subscribersIn = ({ authorization }) => authorization.users.filter(isSubscriber).map(({ user }) => user);

/**
 * @param {BrokerConfiguration} configuration
 * @param {string} name
 */
export const hasUser = ({ authorization }, name) => authorization.users.some(({ user }) => user === name);

/**
 * The configuration with one subscriber more.
 * @param {BrokerConfiguration} configuration
 * @param {string} name
 * @param {string} password
 * @returns {BrokerConfiguration}
 */
export const withSubscriber = (configuration, name, password) =>
  withUsers(configuration, [...configuration.authorization.users, entryOf(name, password, subscriberOf(name))]);

/**
 * The configuration without this user.
 * @param {BrokerConfiguration} configuration
 * @param {string} name
 */
export const withoutUser = (configuration, name) =>
  withUsers(
    configuration,
    configuration.authorization.users.filter(({ user }) => user !== name),
  );

/**
 * The configuration with the permissions of this release. Passwords, and users that are not ours, stay.
 * @param {BrokerConfiguration} configuration
 */
export const withCurrentPermissions = (configuration) =>
  withUsers(
    configuration,
    configuration.authorization.users.map((entry) => {
      const allowed = permissionsOf(entry);
      return allowed ? entryOf(entry.user, entry.password, allowed) : entry;
    }),
  );

/** @param {UserEntry} entry */
function permissionsOf(entry) {
  const { user } = entry;
  if (permissions[user]) return permissions[user];
  if (isSubscriber(entry)) return subscriberOf(user);
  return published(entry).includes(`departure.receipt.${user}`) ? ruleOwner(user) : undefined;
}

/**
 * @param {BrokerConfiguration} configuration
 * @param {UserEntry[]} users
 * @returns {BrokerConfiguration}
 */
const withUsers = (configuration, users) => ({
  ...configuration,
  authorization: { ...configuration.authorization, users },
});

/**
 * Reloads the broker when its configuration file has been replaced.
 * @param {string} dir
 * @param {() => Promise<void>} reload
 * @returns ends the watch
 */
export function reloadOnChange(dir, reload) {
  const watcher = watch(dir, { persistent: false }, (_event, file) => {
    if (file === CONFIGURATION) reload().catch((error) => console.error(`NATS was not reloaded: ${error.message}`));
  });
  return async () => watcher.close();
}
