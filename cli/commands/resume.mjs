/** @import { User } from '#libs/contracts' */
import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { findUser, nameOf } from '../departures/users.mjs';
import { EXIT } from '../exit-codes.mjs';

export const resume = defineCommand({
  usage: 'resume <user>',
  about: 'end the suspension of a user, who can sign in again',
  args: 1,
  run: async ({ args, limits, out, report }) => {
    const api = await signedInClient(limits);
    const { id } = await findUser(api, args[0]);
    /** @type {User} */
    const user = await api.post(`/v1/users/${id}/resume`);
    report(user, () => out.line(`${nameOf(user)} is not suspended and can sign in.`));
    return EXIT.done;
  },
});
