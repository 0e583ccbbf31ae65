import { BadFile } from '#libs/csv';

export const OWNER_HAS_LEFT = 'The owner of the import source has left.';
export const UPLOADER_HAS_LEFT = 'The user who uploaded the file has left.';

/** The file is imported for a user who has left. A file of an import source is imported anew for its next owner. */
export class OwnerHasLeft extends BadFile {}
