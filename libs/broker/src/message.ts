export interface MessageToPublish {
  subject: string;
  /** Two messages with the same id within the stream's duplicate window are one. */
  id: string;
  data: Uint8Array | string;
  headers?: Record<string, string>;
}
