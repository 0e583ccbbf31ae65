/** The file cannot be imported, or not any further. The message is for whoever uploaded it. */
export class BadFile extends Error {}
