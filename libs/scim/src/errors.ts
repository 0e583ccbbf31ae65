import { Problem, type ScimErrorType } from '#libs/contracts';

/** A Problem answered with 400 and this `scimType` (RFC 7644, 3.12). */
export const scimProblem = (scimType: ScimErrorType, detail: string): Problem =>
  new Problem('validation', { scimType, detail });

/** 409: another resource has this value. */
export const uniquenessProblem = (detail: string): Problem =>
  new Problem('conflict', { scimType: 'uniqueness', detail });
