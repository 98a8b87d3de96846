import "htmx.org";
import Alpine from "@alpinejs/csp";
import { listen, slug, tabs } from "./components.js";
import { picture } from "./files.js";
import { watch } from "./live.js";
import { playground } from "./playground.js";
import { call } from "./snippets.js";

Alpine.data("call", call);
Alpine.data("picture", picture);
Alpine.data("playground", playground);
Alpine.data("slug", slug);
Alpine.data("tabs", tabs);
Alpine.data("watch", watch);
Alpine.start();
listen();
