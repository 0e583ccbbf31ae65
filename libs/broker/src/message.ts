export interface MessageToPublish {
  subject: string;
  /** Within the stream's duplicate window, a second message with the same id is dropped. */
  id: string;
  data: Uint8Array | string;
  headers?: Record<string, string>;
}
