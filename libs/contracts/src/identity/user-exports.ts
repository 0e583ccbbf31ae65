import { GATEWAY } from '../callers.js';
import { Id, ListOf, Moment, OneOf, Text, Whole } from '../fields.js';
import type { Ask } from '../lifecycle.js';
import { operation } from '../operation.js';
import { MANAGERS } from '../principal.js';

/** How long the file of an export can be downloaded. */
export const EXPORT_DAYS = 7;
export const EXPORT_STATUSES = ['running', 'completed', 'failed', 'expired'] as const;
export type ExportStatus = (typeof EXPORT_STATUSES)[number];
/** Why an export has failed. */
export const EXPORT_FAULTS = ['user-deleted', 'too-large', 'internal'] as const;
export type ExportFault = (typeof EXPORT_FAULTS)[number];

export class StartedExport {
  @Id() id: string;
}

/** A service whose rows are not, or not all, in the file. */
export class MissingService {
  @Text() service: string;
  @Text() reason: string;
}

export class UserExport {
  @Id() id: string;
  @Id() userId: string;
  @OneOf(EXPORT_STATUSES, { about: '`expired`: the file has been deleted.' }) status: ExportStatus;
  @Id() requestedBy: string;
  @Moment() requestedAt: string;
  @Moment({ nullable: true }) completedAt: string | null;
  @Moment({ about: `${EXPORT_DAYS} days after the request. The file is then deleted.` }) expiresAt: string;
  @Whole({ about: 'Rows that have been copied so far.' }) rows: number;
  @ListOf(() => MissingService, { about: 'Services that have not answered. The file names them, too.' })
  missing: MissingService[];
  @OneOf(EXPORT_FAULTS, { optional: true, about: 'Of a failed export.' }) error?: ExportFault;
  @Text({ optional: true, about: 'SHA-256 of the file in hexadecimal.' }) sha256?: string;
  @Whole({ optional: true, about: 'Bytes of the file.' }) size?: number;
}

const ofManagers = { service: 'identity', access: MANAGERS } as const;

export const exportsCreate = operation<StartedExport>({
  ...ofManagers,
  id: 'exports.create',
  method: 'POST',
  path: '/v1/users/:id/export',
  summary: 'Copy every row that names a user, from all services, into one ZIP file',
  answer: StartedExport,
  status: 202,
  location: '/v1/exports/:id',
  errors: ['forbidden', 'step-up-required', 'not-found', 'conflict'],
});

export const exportsGet = operation<UserExport>({
  ...ofManagers,
  id: 'exports.get',
  method: 'GET',
  path: '/v1/exports/:id',
  summary: 'Read the progress of an export of a user',
  answer: UserExport,
  errors: ['forbidden', 'not-found'],
});

/** Identity checks and records the download. The gateway then reads the file with `exportChunk`. */
export const exportsDownload = operation<undefined>({
  ...ofManagers,
  id: 'exports.download',
  method: 'GET',
  path: '/v1/exports/:id/download',
  summary: 'Download the file of an export of a user',
  status: 200,
  custom: true,
  produces: 'application/zip',
  errors: ['forbidden', 'step-up-required', 'not-found', 'conflict'],
});

/** The next bytes of the file of an export, in base64. Only after `exports.download` has allowed it. */
export const exportChunk: Ask<
  { accountId: string; exportId: string; n: number },
  { data: string; next: number | null }
> = { service: 'identity', subject: 'rpc.identity.exports.chunk', timeout: 15_000, calledBy: [GATEWAY] };
