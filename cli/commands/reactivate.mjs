/** @import { Departure } from '#libs/contracts' */
import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { conclude } from '../departures/departures.mjs';
import { findUser } from '../departures/users.mjs';

export const reactivate = defineCommand({
  usage: 'reactivate <user> [--restore all|<rule>,…] [--watch]',
  about: 'reactivate a deactivated user',
  args: 1,
  options: { restore: { type: 'string' }, watch: { type: 'boolean' } },
  run: async (context) => {
    const { args, values, limits } = context;
    const api = await signedInClient(limits);
    const user = await findUser(api, args[0]);
    /** @type {Departure} */
    const departure = await api.post(`/v1/users/${user.id}/reactivate`, { restore: restorationIn(values.restore) });
    return conclude(api, context, departure);
  },
});

/** @param {string | undefined} value */
const restorationIn = (value) =>
  value === undefined || value === 'all' || value === 'none' ? value : value.split(',');
