import type { Problem, ProblemCode, ScimErrorType, ScimObject } from '#libs/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';

export const SCIM_JSON = 'application/scim+json';
export const SCIM_ROOT = '/scim/v2';

const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error';

/** Where SCIM has a word of its own, or another status. */
const AS_SCIM: Partial<Record<ProblemCode, { status?: number; scimType?: ScimErrorType }>> = {
  validation: { scimType: 'invalidValue' },
  'invalid-json': { scimType: 'invalidSyntax' },
  'duplicate-email': { scimType: 'uniqueness' },
  'duplicate-staff-id': { scimType: 'uniqueness' },
  // For a 409 identity providers would look for somebody of the same name.
  'no-free-seat': { status: 403 },
  'unknown-user': { status: 400, scimType: 'invalidValue' },
  'inactive-user': { status: 400, scimType: 'invalidValue' },
};

export interface ScimError {
  schemas: string[];
  status: string;
  scimType?: ScimErrorType;
  detail: string;
}

/** RFC 7644, 3.12. The detail begins with the code that the rest of the API uses for the same refusal. */
export function scimError(problem: Problem): ScimError {
  const { status = problem.status, scimType } = AS_SCIM[problem.code] ?? {};
  const type = problem.details.scimType ?? scimType;
  const faults = problem.details.errors?.map(({ message }) => message).join('; ');
  return {
    schemas: [ERROR],
    status: String(status),
    ...(type && { scimType: type }),
    detail: `${problem.code}: ${problem.details.detail ?? faults ?? problem.message}`,
  };
}

export const isForScim = ({ url }: FastifyRequest): boolean => url === SCIM_ROOT || url.startsWith(`${SCIM_ROOT}/`);

/** Answers with bytes, or Fastify would add a charset, which this media type doesn't have. */
export function sendScim(reply: FastifyReply, status: number, body?: ScimObject): void {
  if (body === undefined) return void reply.status(status).send();
  void reply
    .status(status)
    .header('content-type', SCIM_JSON)
    .send(Buffer.from(JSON.stringify(body)));
}
