/**
 * What is larger than the sizes allow, and why that is right. An entry names a class or a folder; one that is no longer
 * needed fails.
 * @typedef {{ class: string, why: string } | { folder: string, why: string }} Accepted
 */

/** @type {readonly Accepted[]} */
export const ACCEPTED = [
  {
    folder: 'bench',
    why: 'A numbered file for each measurement, in the order of docs/PERFORMANCE.md. What they share is in bench/support.',
  },
  {
    folder: 'cli/commands',
    why: 'A file for each command, named like the command. What they share is in cli and cli/departures.',
  },
  {
    folder: 'e2e/support',
    why: 'A file for each thing that end-to-end tests share: the system, the people, what they own. What watches has e2e/support/observers.',
  },
  {
    folder: 'libs/broker/src',
    why: 'A file for each thing that is done with NATS: connecting, calling, publishing, consuming, reading a stream.',
  },
  {
    folder: 'libs/contracts/src',
    why: 'A file for each thing that crosses a border besides the API of a service, which has a folder for each service.',
  },
  {
    folder: 'libs/contracts/src/identity',
    why: 'A file for each noun of the API, named like its path.',
  },
  {
    folder: 'scripts',
    why: 'A file for each npm script and each generated document.',
  },
  {
    folder: 'scripts/lib',
    why: 'A file for each step of starting, building and testing, without folders between: they run before anything is installed.',
  },
  {
    folder: 'services/messaging/src/migrations',
    why: 'A file for each migration, in the order in which they run. Released ones stay where they are.',
  },
  {
    folder: 'services/identity/src/migrations',
    why: 'A file for each migration, in the order in which they run. Released ones stay where they are.',
  },
];
