/** The file, or the rest of it, cannot be imported. The message is shown to the user who uploaded it. */
export class BadFile extends Error {}
