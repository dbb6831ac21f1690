// Sends photos and archives, a piece at a time, with what became of each; see templates/add.html.
export function begin() {}
