import { Problem, type ScimAnswer, type ScimObject, type ScimPage, type ScimView } from '#libs/contracts';
import { scimProblem } from './faults.js';
import { project } from './projection.js';

/** Bytes. What the broker carries in one message is 1 MiB. */
const LARGEST = 1_000_000;

/** A resource as it goes out. @throws Problem `validation` with `tooMany` when it is too large */
export function answerOf(resource: ScimObject, view: ScimView): ScimAnswer {
  const { id, meta } = resource as { id: string; meta: { version: string } };
  return fitting({ resource: project(resource, view), id, version: meta.version });
}

/** @throws Problem `validation` with `tooMany` when it is too large */
export function pageOf(totalResults: number, resources: readonly ScimObject[], view: ScimView): ScimPage {
  return fitting({ totalResults, resources: resources.map((one) => project(one, view)) });
}

function fitting<T extends object>(answer: T): T {
  if (Buffer.byteLength(JSON.stringify(answer)) <= LARGEST) return answer;
  throw scimProblem('tooMany', 'The answer would be too large. Ask for fewer, or with excludedAttributes=members.');
}

/** @throws Problem `precondition-failed` unless the client means this version, or says nothing of versions */
export function requireVersion(ifMatch: string | undefined, version: string): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return;
  const meant = ifMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  if (!meant.includes(version.replace(/^W\//, '')))
    throw new Problem('precondition-failed', { detail: 'It has changed since. Read it again.' });
}

/** Where the rows of a page begin. */
export const offsetOf = (startIndex: number): number => Math.max(0, startIndex - 1);
