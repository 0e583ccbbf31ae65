import { BadFile } from '#libs/csv';

/** The owner of the import source has left. The file stays in the folder, and a later owner imports it anew. */
export class OwnerHasLeft extends BadFile {}
