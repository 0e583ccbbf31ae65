import { defineCommand } from '../command.mjs';
import { departureOptions, startDeparture } from '../departures/departures.mjs';

export const deactivate = defineCommand({
  usage: 'deactivate <user> [--return-at <time>] [leaving]',
  about: 'deactivate a user, who can be reactivated',
  args: 1,
  options: { ...departureOptions, 'return-at': { type: 'string' } },
  run: (context) => startDeparture(context, 'deactivated'),
});
