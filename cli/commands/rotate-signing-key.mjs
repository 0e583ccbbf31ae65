/** @import { NewSigningKey } from '#libs/contracts' */
import { asOperator } from '../broker-operator.mjs';
import { defineCommand } from '../command.mjs';
import { EXIT, usageError } from '../exit-codes.mjs';

const PURPOSES = ['tokens', 'certificates', 'heads'];
const USAGE = `rotate-signing-key [${PURPOSES.join('|')}] [--at-once]`;

export const rotateSigningKey = defineCommand({
  usage: USAGE,
  about:
    'sign access tokens, certificates or heads of audit trails with a new key; default: tokens; --at-once without the two ' +
    'minutes in which it is published first. For a stolen key see withdraw-signing-key (operator)',
  args: 'any',
  options: { 'at-once': { type: 'boolean' } },
  run: async ({ args: [purpose = 'tokens', ...more], values, limits, out, report }) => {
    if (more.length > 0 || !PURPOSES.includes(purpose)) throw usageError(`Usage: leaver ${USAGE}`);
    const atOnce = values['at-once'] === true;
    /** @type {NewSigningKey} */
    const key = await asOperator(limits, (ask) => ask('identity', 'rotate-signing-key', { purpose, atOnce }));
    report(key, () => {
      out.line(`Key ${key.kid} is published and signs ${purpose} from ${key.usedFrom}.`);
      if (atOnce && purpose === 'tokens')
        out.line('Tokens of the old key are refused within a minute; programs and browsers renew them.');
    });
    return EXIT.done;
  },
});
