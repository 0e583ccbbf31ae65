import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { findUser, nameOf } from '../departures/users.mjs';
import { EXIT, usageError } from '../exit-codes.mjs';

const USAGE = 'sessions end <user>';

export const sessions = defineCommand({
  usage: USAGE,
  about: 'end all sessions of a user, who can sign in again at once',
  args: 'any',
  run: async ({ args, limits, out, report }) => {
    const [verb, word, ...more] = args;
    if (verb !== 'end' || word === undefined || more.length > 0) throw usageError(`Usage: leaver ${USAGE}`);
    const api = await signedInClient(limits);
    const user = await findUser(api, word);
    await api.delete(`/v1/users/${user.id}/sessions`);
    report({ userId: user.id }, () => out.line(`All sessions of ${nameOf(user)} have ended.`));
    return EXIT.done;
  },
});
