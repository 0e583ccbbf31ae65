/**
 * Who may make a call: names of services, or one of these groups. Each service checks it by the signature of the call,
 * and the broker's permissions are the same list once more (`scripts/lib/nats-users.mjs`; a test compares the two).
 */
export type Callers = readonly string[];

/** The service that translates HTTP. It calls on behalf of users, with their tokens. */
export const GATEWAY = 'gateway';
/** The command line of the person who runs the installation. */
export const OPERATOR = 'operator';
/** Every service that owns rules, also those of other teams. */
export const RULE_OWNERS = 'rule-owners';
/** Every service. */
export const SERVICES = 'services';

/** Whether a process with this name may make a call that these callers may make. */
export function mayCall(callers: Callers, name: string): boolean {
  if (callers.includes(name)) return true;
  if (name === OPERATOR) return false;
  return callers.includes(SERVICES) || (name !== GATEWAY && callers.includes(RULE_OWNERS));
}
