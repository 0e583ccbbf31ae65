/** The policy has changed between asking and locking. The decision begins anew, as after a serialization failure. */
export class PlanChanged extends Error {
  readonly code = '40001';
}
