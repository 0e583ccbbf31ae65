import type { ScimListResponse, ScimObject, ScimProjection, ScimResponse } from '#libs/contracts';
import { project, scimProblem } from '#libs/scim';

/** Bytes. A message of the broker can hold 1 MiB. */
const MAX_RESPONSE = 1_000_000;

/** A resource with the attributes that responses repeat. */
export interface ScimResource extends ScimObject {
  id: string;
  meta: { version: string };
}

/** @throws Problem `validation` with `tooMany` for a resource that is too large */
export function resourceResponse(resource: ScimResource, projection: ScimProjection): ScimResponse {
  const { id, meta } = resource;
  return limited({ resource: project(resource, projection), id, version: meta.version });
}

/** @throws Problem `validation` with `tooMany` for a page that is too large */
export function listResponse(
  totalResults: number,
  resources: readonly ScimObject[],
  projection: ScimProjection,
): ScimListResponse {
  return limited({ totalResults, resources: resources.map((one) => project(one, projection)) });
}

function limited<T extends object>(response: T): T {
  if (Buffer.byteLength(JSON.stringify(response)) <= MAX_RESPONSE) return response;
  throw scimProblem('tooMany', 'The response would be too large. Ask for fewer resources, or exclude members.');
}

/** `startIndex` counts from 1. */
export const offsetOf = (startIndex: number): number => Math.max(0, startIndex - 1);
