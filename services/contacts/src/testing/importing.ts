import {
  appendImport,
  closeImport,
  contacts,
  openImport,
  type Contact,
  type ContactImport,
  type Principal,
} from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';

export interface UploadOptions {
  userIdField?: string;
  /** Size of a piece in bytes. */
  pieceBytes?: number;
}

/** Uploads a file as the gateway does, but does not close the upload. @returns the import's id */
export async function upload(
  service: TestService,
  { accountId, userId }: Principal,
  file: string | Buffer,
  { userIdField, pieceBytes = 200_000 }: UploadOptions = {},
): Promise<string> {
  const client = service.client;
  const { importId } = await client.ask(openImport, { accountId, userId, userIdField: userIdField ?? null });
  const bytes = Buffer.from(file);
  for (let n = 0; n * pieceBytes < bytes.length; n++) {
    const data = bytes.subarray(n * pieceBytes, (n + 1) * pieceBytes).toString('base64');
    await client.ask(appendImport, { importId, n, data });
  }
  return importId;
}

/** Uploads a file and waits for the result of its import. */
export async function importFile(
  service: TestService,
  principal: Principal,
  file: string | Buffer,
  options: UploadOptions = {},
): Promise<ContactImport> {
  const importId = await upload(service, principal, file, options);
  return service.client.ask(closeImport, { importId });
}

/** Returns the account's only contact with this external id. */
export async function contactOf(service: TestService, principal: Principal, externalId: string): Promise<Contact> {
  const { items } = await service.call(principal, contacts.list, { query: { externalId } });
  if (items.length !== 1) throw new Error(`${items.length} contacts have the external id ${externalId}`);
  return items[0]!;
}
