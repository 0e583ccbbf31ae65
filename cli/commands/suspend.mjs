/** @import { User } from '#libs/contracts' */
import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { findUser, nameOf } from '../departures/users.mjs';
import { EXIT } from '../exit-codes.mjs';

export const suspend = defineCommand({
  usage: 'suspend <user>',
  about: 'let a user in nowhere from now on, and leave everything else as it is',
  args: 1,
  run: async ({ args, limits, out, report }) => {
    const api = await signedInClient(limits);
    const { id } = await findUser(api, args[0]);
    /** @type {User} */
    const user = await api.post(`/v1/users/${id}/suspend`);
    report(user, () =>
      out.line(`${nameOf(user)} is suspended since ${user.suspendedAt}. leaver resume lets them in again.`),
    );
    return EXIT.done;
  },
});
