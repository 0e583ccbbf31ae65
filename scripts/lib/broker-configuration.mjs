import { watch } from 'node:fs';
import { ACCOUNTS, accounts } from './nats-accounts.mjs';
import { passwordOwner, permissions, ruleOwner, subscriberOf } from './nats-users.mjs';
/** @import { Permissions } from './nats-users.mjs' */

/** The file that `startNats` and the image's job `secrets` write; `users.conf` of Kubernetes has the same `accounts`. */
export const CONFIGURATION = 'nats.conf';

/**
 * A user in the configuration of nats-server.
 * @typedef {object} UserEntry
 * @property {string} user
 * @property {string} password
 * @property {object} [permissions]
 */

/**
 * Before 0.2 all users were in one account.
 * @typedef {{
 *   accounts?: Record<string, { users: UserEntry[] }>,
 *   authorization?: { users: UserEntry[] },
 *   port?: number,
 *   tls?: object,
 * }} BrokerConfiguration
 */

/** @typedef {{ account: string, entry: UserEntry }} Placed a user and its account */

/**
 * @param {string} name
 * @param {string} password
 * @param {Permissions} allowed
 * @returns {Placed}
 */
const entryOf = (name, password, { account, publish, subscribe, answers }) => ({
  account,
  entry: {
    user: name,
    password,
    permissions: {
      publish: { allow: publish },
      subscribe: { allow: subscribe },
      ...(answers && { allow_responses: { max: 1, expires: '1m' } }),
    },
  },
});

/**
 * All users. Those of a configuration without accounts are placed by what they may do.
 * @param {BrokerConfiguration} configuration
 * @returns {Placed[]}
 */
const usersIn = ({ accounts: placed, authorization }) =>
  placed
    ? Object.entries(placed).flatMap(([account, { users = [] }]) => users.map((entry) => ({ account, entry })))
    : (authorization?.users ?? []).map((entry) => ({
        account: isFormerSubscriber(entry) ? ACCOUNTS.subscribers : ACCOUNTS.services,
        entry,
      }));

/** @param {UserEntry} entry */
const published = ({ permissions: allowed }) =>
  /** @type {{ publish?: { allow?: string[] } } | undefined} */ (allowed)?.publish?.allow ?? [];

/**
 * Services with rules have a consumer of the events, too, but they also publish.
 * @param {UserEntry} entry
 */
const isFormerSubscriber = (entry) =>
  published(entry).includes(`$JS.API.CONSUMER.MSG.NEXT.USERS.${entry.user}`) &&
  published(entry).every((subject) => subject.startsWith('$JS.'));

/**
 * The names of the subscribers, in the order in which they were added.
 * @param {BrokerConfiguration} configuration
 */
export const subscribersIn = (configuration) =>
  usersIn(configuration)
    .filter(({ account }) => account === ACCOUNTS.subscribers)
    .map(({ entry }) => entry.user);

/**
 * @param {BrokerConfiguration} configuration
 * @param {string} name
 */
export const hasUser = (configuration, name) => usersIn(configuration).some(({ entry }) => entry.user === name);

/**
 * The configuration with one subscriber more.
 * @param {BrokerConfiguration} configuration
 * @param {string} name
 * @param {string} password
 * @returns {BrokerConfiguration}
 */
export const withSubscriber = (configuration, name, password) =>
  withUsers(configuration, [...usersIn(configuration), entryOf(name, password, subscriberOf(name))]);

/**
 * The configuration without this user.
 * @param {BrokerConfiguration} configuration
 * @param {string} name
 */
export const withoutUser = (configuration, name) =>
  withUsers(
    configuration,
    usersIn(configuration).filter(({ entry }) => entry.user !== name),
  );

/**
 * The configuration with the accounts and permissions of this release. Passwords, and users that are not ours, stay.
 * @param {BrokerConfiguration} configuration
 */
export const withCurrentPermissions = (configuration) => {
  const former = usersIn(configuration);
  const passwords = new Map(former.map(({ entry }) => [entry.user, entry.password]));
  const added = Object.entries(permissions).flatMap(([name, allowed]) => {
    const password = passwords.get(passwordOwner(name));
    return passwords.has(name) || !password ? [] : [entryOf(name, password, allowed)];
  });
  const current = former.map((placed) => {
    const allowed = permissionsOf(placed);
    return allowed ? entryOf(placed.entry.user, placed.entry.password, allowed) : placed;
  });
  return withUsers(configuration, [...current, ...added]);
};

/**
 * @param {Placed} placed
 * @returns {Permissions | undefined}
 */
function permissionsOf({ account, entry }) {
  const { user } = entry;
  if (permissions[user]) return permissions[user];
  if (account === ACCOUNTS.subscribers) return subscriberOf(user);
  return published(entry).includes(`departure.receipt.${user}`) ? ruleOwner(user) : undefined;
}

/**
 * @param {BrokerConfiguration} configuration
 * @param {Placed[]} users
 * @returns {BrokerConfiguration}
 */
const withUsers = ({ authorization: _, ...configuration }, users) => ({
  ...configuration,
  accounts: Object.fromEntries(
    Object.entries(accounts).map(([name, shared]) => [
      name,
      { ...shared, users: users.filter(({ account }) => account === name).map(({ entry }) => entry) },
    ]),
  ),
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
