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
    folder: 'services/identity/src/migrations',
    why: 'A file for each migration, in the order in which they run. Released ones stay where they are.',
  },
];
