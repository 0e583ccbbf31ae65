import { Problem, type ScimErrorType } from '#libs/contracts';

/** A fault in the request, with the keyword that SCIM has for its kind. */
export const scimProblem = (scimType: ScimErrorType, detail: string): Problem =>
  new Problem('validation', { scimType, detail });

export const taken = (detail: string): Problem => new Problem('conflict', { scimType: 'uniqueness', detail });
