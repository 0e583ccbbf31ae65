/** @import { Departure, DepartureFailure, DepartureService } from '#libs/contracts' */
import { ruleName } from './rule-name.mjs';

/** The error of a service whose rules are done, but rows remain. */
const REMAINING = 'remaining';
/** The warning of a line about a rule that the service does not declare any more. */
const DROPPED = 'rule-dropped';

/** @param {number} count */
const tries = (count) => (count === 1 ? '1 try' : `${count} tries`);

/** @param {string | undefined} time */
const nextTry = (time) => (time ? `, next try at ${time}` : '');

/**
 * The rule, the code, the constraint and the table, and the tries of a failure.
 * @param {Pick<DepartureFailure, 'error' | 'attempts'> & Partial<DepartureFailure>} failure
 */
export function describeFailure({ rule, part, error, constraint, table, attempts, nextTryAt }) {
  const where = [error, constraint && `constraint ${constraint}`, table && `table ${table}`];
  const what = rule ? `${ruleName({ rule, part })} failed` : 'failed';
  return `${what} (${where.filter(Boolean).join(', ')}) after ${tries(attempts)}${nextTry(nextTryAt)}`;
}

/**
 * What a service of an open departure waits for.
 * @param {DepartureService} service
 */
function reasonOf({ status, error, failure, awaited, rules }) {
  if (failure) return describeFailure(failure);
  if (error === REMAINING) return 'has finished, but rows remain';
  if (error) return `${status} (${error})`;
  const dropped = rules.filter(({ warning }) => warning === DROPPED).map(ruleName);
  if (dropped.length > 0) return `does not apply ${dropped.join(', ')} any more (leaver services confirm <service>)`;
  const left = rules.filter(({ finishedAt }) => !finishedAt).map(ruleName);
  if (left.length > 0) return `is working on ${left.join(', ')}`;
  if (status === 'running') return 'is working';
  if (!awaited) return 'has not answered';
  const { since, attempts, nextTryAt } = awaited;
  return `has not answered since ${since}; its event was published ${attempts === 1 ? 'once' : `${attempts} times`}${nextTry(nextTryAt)}`;
}

/**
 * The services that a departure waits for, and those that have failed, each with the reason.
 * @param {Pick<Departure, 'status' | 'services'>} departure
 * @returns {{ service: string, hasFailed: boolean, reason: string }[]}
 */
export const unfinished = ({ status, services }) =>
  status !== 'running' && status !== 'failed'
    ? []
    : services
        .filter((one) => one.status === 'pending' || one.status === 'running' || one.status === 'failed')
        .map((one) => ({ service: one.service, hasFailed: one.status === 'failed', reason: reasonOf(one) }));
