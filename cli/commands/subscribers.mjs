/** @import { BrokerConfiguration } from '../../scripts/lib/broker-configuration.mjs' */
/** @import { CommandContext } from '../command.mjs' */
import { randomBytes } from 'node:crypto';
import {
  hasUser,
  subscribersIn,
  withCurrentPermissions,
  withoutUser,
  withSubscriber,
} from '../../scripts/lib/broker-configuration.mjs';
import { subscriberOf } from '../../scripts/lib/nats-users.mjs';
import { externalServices, isFreeName } from '../../scripts/lib/services.mjs';
import { defineCommand } from '../command.mjs';
import { CommandError, EXIT, usageError } from '../exit-codes.mjs';
import { Installation } from '../subscribers/installation.mjs';
import { configurationIn, HOST, readSecret, withConfiguration } from '../subscribers/kubernetes-secret.mjs';

const USAGE = 'subscribers list|refresh|add <name>|remove <name>|permissions <name> [--secret -]';
const VERBS = ['list', 'refresh', 'add', 'remove', 'permissions'];

/** @typedef {CommandContext<{ secret: { type: 'string' } }, 'any'>} Context */

/** Manages the broker's users that read events. */
export const subscribers = defineCommand({
  usage: USAGE,
  about:
    'manage the broker’s users for programs that read events; refresh grants all users the permissions of this release; ' +
    '--secret - changes a Secret of Kubernetes from standard input to standard output (operator)',
  args: 'any',
  options: { secret: { type: 'string' } },
  run: async (context) => {
    const [verb = '', name, ...more] = context.args;
    const takesName = verb !== 'list' && verb !== 'refresh';
    if (!VERBS.includes(verb) || more.length > 0 || (name !== undefined) !== takesName)
      throw usageError(`Usage: leaver ${USAGE}`);
    if (takesName && (!isFreeName(name ?? '') || externalServices.includes(name ?? '')))
      throw usageError(
        `${name} cannot be the name of a subscriber: 2 to 31 letters a-z, digits and hyphens, no service of Leaver.`,
      );
    if (verb === 'permissions') return showPermissions(context, name ?? '');
    if (context.values.secret === undefined) return inInstallation(context, verb, name ?? '');
    if (context.values.secret !== '-') throw usageError('--secret reads standard input only: --secret -');
    return inSecret(context, verb, name ?? '');
  },
});

/**
 * @param {Context} context
 * @param {string} name
 */
function showPermissions({ out, report }, name) {
  const { account, publish, subscribe } = subscriberOf(name);
  report({ name, account, publish, subscribe }, () => {
    out.line(`account    ${account}`);
    for (const subject of publish) out.line(`publish    ${subject}`);
    for (const subject of subscribe) out.line(`subscribe  ${subject}`);
  });
  return EXIT.done;
}

/**
 * @param {Context} context
 * @param {string} verb
 * @param {string} name
 */
async function inInstallation({ out, messages, report }, verb, name) {
  const installation = await Installation.find();
  const configuration = await installation.configuration();
  if (verb === 'list') {
    showList(subscribersIn(configuration), { out, report });
    return EXIT.done;
  }
  if (verb === 'refresh') {
    await installation.write(withCurrentPermissions(configuration));
    out.line('All users of the broker have the permissions of this release.');
    sayReload(installation, messages);
    return EXIT.done;
  }
  if (verb === 'remove') {
    assertSubscriber(configuration, name);
    await installation.remove(name);
    out.line(`${name} can no longer connect. Its consumers stay on the broker, for a subscriber of the same name.`);
    sayReload(installation, messages);
    return EXIT.done;
  }
  assertNew(configuration, name);
  const password = newPassword();
  await installation.add(name, password);
  const address = await installation.address(name, password);
  report({ name, address }, () => {
    messages.line(`The address of ${name}, which is shown only now:`);
    out.line(address);
  });
  const settled = await installation.settled(address, true);
  if (settled === false) messages.line(messages.red('The broker does not accept it yet: restart Leaver.'));
  sayReload(installation, messages);
  return settled === false ? EXIT.failed : EXIT.done;
}

/**
 * @param {Context} context
 * @param {string} verb
 * @param {string} name
 */
async function inSecret({ out, messages, report }, verb, name) {
  const secret = await readSecret();
  const configuration = configurationIn(secret);
  /** @param {BrokerConfiguration} changed */
  const print = (changed) => out.line(JSON.stringify(withConfiguration(secret, changed), null, 2));
  if (verb === 'list') showList(subscribersIn(configuration), { out, report });
  if (verb === 'refresh') print(withCurrentPermissions(configuration));
  if (verb === 'remove') {
    assertSubscriber(configuration, name);
    print(withoutUser(configuration, name));
  }
  if (verb === 'add') {
    assertNew(configuration, name);
    const password = newPassword();
    print(withSubscriber(configuration, name, password));
    messages.line(`The address of ${name}, which is shown only now:`);
    messages.line(`tls://${name}:${password}@${HOST}`);
  }
  return EXIT.done;
}

const newPassword = () => randomBytes(32).toString('base64url');

/**
 * @param {string[]} names
 * @param {Pick<Context, 'out' | 'report'>} context
 */
function showList(names, { out, report }) {
  report(names, () => {
    for (const name of names) out.line(name);
  });
}

/**
 * @param {Installation} installation
 * @param {Context['messages']} messages
 */
function sayReload({ reload }, messages) {
  if (reload) messages.line(`NATS reads it without a restart: ${reload}`);
}

/**
 * @param {BrokerConfiguration} configuration
 * @param {string} name
 */
function assertNew(configuration, name) {
  if (hasUser(configuration, name)) throw new CommandError(EXIT.failed, `The broker has a user ${name} already.`);
}

/**
 * @param {BrokerConfiguration} configuration
 * @param {string} name
 */
function assertSubscriber(configuration, name) {
  if (!subscribersIn(configuration).includes(name))
    throw new CommandError(EXIT.failed, `There is no subscriber ${name}.`);
}
