/** Wakes one sleeper. Rings while nobody sleeps count as one, and the next sleep is over at once. */
export class Alarm {
  private rung = false;
  private wakeUp?: () => void;
  stopped = false;

  ring(): void {
    this.rung = true;
    this.wakeUp?.();
  }

  /** Rings for good. */
  stop(): void {
    this.stopped = true;
    this.ring();
  }

  /** Until the alarm rings, or for so many milliseconds. */
  async sleep(milliseconds: number): Promise<void> {
    if (!this.rung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.wakeUp = () => (clearTimeout(timer), resolve());
      });
    }
    this.wakeUp = undefined;
    this.rung = false;
  }
}
