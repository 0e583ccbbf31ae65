import type { Problem, ProblemCode, ScimErrorType, ScimObject } from '#libs/contracts';
import { SCIM_ERROR } from '#libs/scim';
import type { FastifyReply, FastifyRequest } from 'fastify';

export const SCIM_JSON = 'application/scim+json';
export const SCIM_ROOT = '/scim/v2';

/** Problem codes for which SCIM has a keyword or which need another status. */
const SCIM_ERRORS: Partial<Record<ProblemCode, { status?: number; scimType?: ScimErrorType }>> = {
  validation: { scimType: 'invalidValue' },
  'invalid-json': { scimType: 'invalidSyntax' },
  'invalid-encoding': { scimType: 'invalidSyntax' },
  'duplicate-email': { scimType: 'uniqueness' },
  'duplicate-staff-id': { scimType: 'uniqueness' },
  // Not 409: after a 409 identity providers look for a user with the same name.
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

/** Builds an error response (RFC 7644, 3.12). `detail` starts with the problem code that the rest of the API uses. */
export function scimError(problem: Problem): ScimError {
  const { status = problem.status, scimType } = SCIM_ERRORS[problem.code] ?? {};
  const type = problem.details.scimType ?? scimType;
  const { service, detail, errors } = problem.details;
  const invalidFields = errors?.map(({ message }) => message).join('; ');
  return {
    schemas: [SCIM_ERROR],
    status: String(status),
    ...(type && { scimType: type }),
    detail: `${problem.code}: ${service ? `${service}: ` : ''}${detail ?? invalidFields ?? problem.message}`,
  };
}

export const isForScim = ({ url }: FastifyRequest): boolean => url === SCIM_ROOT || url.startsWith(`${SCIM_ROOT}/`);

/** Sends bytes, because Fastify adds a charset to strings, which this media type does not have. */
export function sendScim(reply: FastifyReply, status: number, body?: ScimObject): void {
  if (body === undefined) return void reply.status(status).send();
  void reply
    .status(status)
    .header('content-type', SCIM_JSON)
    .send(Buffer.from(JSON.stringify(body)));
}
