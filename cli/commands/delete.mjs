import { defineCommand } from '../command.mjs';
import { departureOptions, startDeparture } from '../departures/departures.mjs';

export const deleteUser = defineCommand({
  usage: 'delete <user> [leaving]',
  about: 'delete a user permanently',
  args: 1,
  options: departureOptions,
  run: (context) => startDeparture(context, 'deleted'),
});
